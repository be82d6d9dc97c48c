/// Names under which senders are known to put plaintext that names a person, beyond the names that the
/// canonical event has for it. See docs/decisions/0008-unknown-members-with-personal-names-are-hashed.md.
enum PersonalName: UInt8, Sendable {
    case email, phone, taxID, firstName, lastName, fullName

    /// The form in which it is hashed.
    var data: PersonalData {
        switch self {
        case .email: .email
        case .phone: .phone
        case .taxID: .taxID
        case .firstName, .lastName, .fullName: .name
        }
    }

    /// The canonical name for its hash; a full name has none.
    var field: EventField? {
        switch self {
        case .email: .userEmailSHA256
        case .phone: .userPhoneSHA256
        case .taxID: .userTaxIDSHA256
        case .firstName: .userFirstNameSHA256
        case .lastName: .userLastNameSHA256
        case .fullName: nil
        }
    }

    /// Where a member stands, which decides what its name can mean.
    enum Place: UInt8, Sendable {
        /// In `user`, or in an object with a name such as `customer`.
        case person
        /// In the event itself, or in one platform's object of `ext`.
        case top
        case elsewhere
    }

    /// What the name says of the value.
    struct Meaning {
        /// Set where the value names a person.
        var name: PersonalName?
        /// Whether an object of this name is a person.
        var isPerson = false
        /// Whether it holds for all members of an object of this name.
        var spreads = true
    }

    /// - Parameters:
    ///   - name: decoded, as it was sent.
    ///   - place: where the member stands.
    ///   - work: memory for the name's bare form.
    static func meaning(of name: Bytes, in place: Place, _ work: inout ByteBuffer) -> Meaning {
        var place = place
        // `user.email` and `customer[email]` are paths, as forms and queries write them.
        var start = 0
        for index in 0..<name.count where name[index] == 0x2E || name[index] == 0x5B {
            guard index + 1 < name.count else { break }
            appendBare(name[start..<index], &work)
            if personTable.place(of: work.bytes) >= 0 { place = .person }
            start = index + 1
        }
        appendBare(name[start..<name.count], &work)
        var bare = work.bytes
        if personTable.place(of: bare) >= 0 { return Meaning(isPerson: true) }
        if let found = find(bare, in: place) { return found }
        // `customerEmail`; but a username is an id.
        guard !bare.equals("username") else { return Meaning() }
        for prefix in persons where bare.count > prefix.utf8CodeUnitCount && bare.hasPrefix(prefix) {
            bare = bare[prefix.utf8CodeUnitCount..<bare.count]
            return find(bare, in: .person) ?? Meaning()
        }
        return Meaning()
    }

    private static func find(_ bare: Bytes, in place: Place) -> Meaning? {
        let found = table.place(of: bare)
        guard found >= 0 else { return nil }
        let entry = entries[found]
        guard entry.places.contains(place) else { return nil }
        return Meaning(name: entry.name, spreads: place == .person || entry.places.isElsewhere)
    }

    /// Letters and digits of ASCII in lower case: `E-Mail`, `e_mail` and `eMail` are one name.
    private static func appendBare(_ name: Bytes, _ out: inout ByteBuffer) {
        out.removeAll()
        for index in 0..<name.count {
            let byte = Bytes.lowercased(name[index])
            if byte &- 0x61 < 26 || byte &- 0x30 < 10 || byte >= 0x80 { out.append(byte) }
        }
    }

    // MARK: the names

    private struct Places: Sendable {
        var isTop = true
        var isElsewhere = true

        func contains(_ place: Place) -> Bool {
            switch place {
            case .person: true
            case .top: isTop
            case .elsewhere: isElsewhere
            }
        }

        static let anywhere = Places()
        /// Words that mean something else in other objects: a `document` of a page, a `mobile` context.
        static let personOrTop = Places(isElsewhere: false)
        /// Everything has a name.
        static let personOnly = Places(isTop: false, isElsewhere: false)
    }

    private struct Entry: Sendable {
        let name: PersonalName
        let places: Places
    }

    private static let words: [(PersonalName, Places, [StaticString])] = [
        (.email, .anywhere, ["email", "emailaddress", "emails", "emailhashed", "hashedemail"]),
        (.email, .personOrTop, ["mail"]),
        (
            .phone, .anywhere,
            [
                "phone", "phones", "phonenumber", "telephone", "telephonenumber", "mobilephone", "mobilenumber",
                "cellphone", "msisdn", "whatsapp", "phonehashed",
            ]
        ),
        (.phone, .personOrTop, ["mobile", "cell", "tel"]),
        (
            .taxID, .anywhere,
            [
                "taxid", "taxnumber", "taxidentifier", "vatid", "vatnumber", "cpf", "cnpj", "cpfcnpj", "ssn",
                "socialid",
                "socialsecuritynumber", "nationalid", "passport", "passportnumber", "documentnumber", "socialidhashed",
            ]
        ),
        (.taxID, .personOrTop, ["document", "documentid"]),
        (.firstName, .anywhere, ["firstname", "givenname", "forename", "firstnamehashed"]),
        (.firstName, .personOrTop, ["fname"]),
        (.lastName, .anywhere, ["lastname", "familyname", "surname", "lastnamehashed"]),
        (.lastName, .personOrTop, ["lname"]),
        (.fullName, .anywhere, ["fullname"]),
        (.fullName, .personOnly, ["name"]),
    ]

    private static let entries = words.flatMap { name, places, words in
        words.map { _ in Entry(name: name, places: places) }
    }
    private static let table = KeyTable(words.flatMap { $0.2 })

    private static let persons: [StaticString] = [
        "user", "customer", "buyer", "shopper", "client", "consumer", "person", "contact", "recipient", "subscriber",
        "billing", "shipping",
    ]
    private static let personTable = KeyTable(
        persons + ["profile", "billingaddress", "shippingaddress", "visitor", "member", "customers", "users"])
}
