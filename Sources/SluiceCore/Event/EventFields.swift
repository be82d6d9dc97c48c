/// Where the text of one value lies, and how it becomes JSON.
package struct Slot: BitwiseCopyable, Sendable {
    package enum Form: UInt8, BitwiseCopyable, Sendable {
        /// UTF-8 text that can stand between quotes as it is.
        case verbatim
        /// UTF-8 text of which some characters may need an escape.
        case plain
        /// JSON on one line: a number, `true`, `false`, or an array made here.
        case raw
        /// JSON as the sender wrote it, perhaps with white space between tokens.
        case foreign
    }

    package enum Region: UInt8, BitwiseCopyable, Sendable {
        /// The bytes that are being decoded.
        case input
        /// Text that was decoded or made up.
        case scratch
    }

    package var start: Int32
    package var count: Int32
    package var form: Form
    package var region: Region

    @inline(__always)
    package init(_ form: Form, _ region: Region, start: Int, count: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.count = Int32(truncatingIfNeeded: count)
        self.form = form
        self.region = region
    }

    static let none = Slot(.raw, .input, start: 0, count: 0)
}

/// Slots by place. Unlike an array it has one owner, and needs not look for others before each change.
@safe struct SlotTable: ~Copyable {
    private let slots: UnsafeMutablePointer<Slot>
    private let count: Int

    init(count: Int) {
        self.count = count
        // Safety: freed in deinit only; every slot is initialized.
        unsafe slots = .allocate(capacity: count)
        unsafe slots.initialize(repeating: .none, count: count)
    }

    deinit {
        // Safety: allocated in init, never given away; slots are trivial.
        unsafe slots.deallocate()
    }

    subscript(place: Int) -> Slot {
        @inline(__always) get {
            precondition(UInt(bitPattern: place) < UInt(bitPattern: count))
            // Safety: checked on the line before.
            return unsafe slots[place]
        }
        @inline(__always) set {
            precondition(UInt(bitPattern: place) < UInt(bitPattern: count))
            // Safety: checked on the line before.
            unsafe slots[place] = newValue
        }
    }
}

/// The rows of `order.items`: for each which fields it has, and where they lie. Keeps its memory.
///
/// Invariant: all below `count` rows are initialized.
@safe struct ItemRows: ~Copyable {
    private static let width = ItemField.count

    private var present: UnsafeMutablePointer<UInt16>
    private var slots: UnsafeMutablePointer<Slot>
    private var count = 16

    init() {
        // Safety: freed in deinit or grow only; everything is initialized.
        unsafe present = .allocate(capacity: count)
        unsafe present.initialize(repeating: 0, count: count)
        unsafe slots = .allocate(capacity: count * ItemRows.width)
        unsafe slots.initialize(repeating: .none, count: count * ItemRows.width)
    }

    deinit {
        // Safety: allocated in init or grow, never given away; the elements are trivial.
        unsafe present.deallocate()
        unsafe slots.deallocate()
    }

    /// Empties a row, which need not be there yet.
    mutating func open(_ row: Int) {
        if row >= count { grow(to: max(row + 1, count * 2)) }
        precondition(row >= 0)
        // Safety: row < count.
        unsafe present[row] = 0
    }

    private mutating func grow(to wanted: Int) {
        let width = ItemRows.width
        let morePresent = UnsafeMutablePointer<UInt16>.allocate(capacity: wanted)
        let moreSlots = UnsafeMutablePointer<Slot>.allocate(capacity: wanted * width)
        // Safety: the new memory takes over the content before the old one is freed, and is filled to its end.
        unsafe morePresent.update(from: present, count: count)
        unsafe (morePresent + count).initialize(repeating: 0, count: wanted - count)
        unsafe moreSlots.update(from: slots, count: count * width)
        unsafe (moreSlots + count * width).initialize(repeating: .none, count: (wanted - count) * width)
        unsafe present.deallocate()
        unsafe slots.deallocate()
        unsafe present = morePresent
        unsafe slots = moreSlots
        count = wanted
    }

    /// The fields a row has, by their places.
    @inline(__always)
    func bits(_ row: Int) -> UInt16 {
        precondition(UInt(bitPattern: row) < UInt(bitPattern: count))
        // Safety: checked on the line before.
        return unsafe present[row]
    }

    @inline(__always)
    func slot(_ row: Int, _ place: Int) -> Slot {
        precondition(UInt(bitPattern: row) < UInt(bitPattern: count) && place >= 0 && place < ItemRows.width)
        // Safety: checked on the line before.
        return unsafe slots[row &* ItemRows.width &+ place]
    }

    @inline(__always)
    mutating func set(_ row: Int, _ place: Int, _ slot: Slot) {
        precondition(UInt(bitPattern: row) < UInt(bitPattern: count) && place >= 0 && place < ItemRows.width)
        // Safety: checked on the line before.
        unsafe present[row] |= 1 &<< UInt16(truncatingIfNeeded: place)
        unsafe slots[row &* ItemRows.width &+ place] = slot
    }

    mutating func remove(_ row: Int, _ place: Int) {
        precondition(UInt(bitPattern: row) < UInt(bitPattern: count))
        // Safety: checked on the line before.
        unsafe present[row] &= ~(1 &<< UInt16(truncatingIfNeeded: place))
    }
}

/// A member the canonical form has no name for.
package struct UnknownMember: BitwiseCopyable, Sendable {
    /// The object of the schema it was found in.
    package var object: UInt8
    /// It was part of `ext.native`, as an earlier gateway had put it there.
    package var fromExtension: Bool
    /// The row it was found in, or -1.
    package var item: Int32
    package var key: Slot
    package var value: Slot
    /// Of the decoded key, so that comparing many keys is cheap; 0 where no other member can have the same name.
    package var keyHash: UInt64
    /// The property of its object in the schema, or -1: one that is checked and kept under its own name.
    var property: Int16 = -1
    /// What it holds names nobody: it is a text under a name of the schema that means no person.
    var namesNobody = false
    /// Milliseconds since 1970, of a property that is a time.
    var milliseconds: Int64 = 0
}

/// One member of `ext`: a platform's name and the object that belongs to it.
package struct ExtensionMember: BitwiseCopyable, Sendable {
    package var key: Slot
    package var value: Slot
    package var keyHash: UInt64
}

/// The draft of one event: what a decoder found, before it becomes a canonical line, and what an
/// encoder reads from such a line. Used again and again; in steady state it allocates nothing.
///
/// Invariants: 1. a slot means something only while its bit is set. 2. a slot of region `input`
/// lies within `input`, one of region `scratch` within `scratch`; both end with `begin`.
///
/// Owner: the thread of the decoder or encoder that holds it.
package struct EventFields: ~Copyable {
    package private(set) var present = FieldSet()
    package var type = EventType.impression
    /// Milliseconds since 1970; meaningful when `occurredAt` or `receivedAt` is present.
    package var occurredMilliseconds: Int64 = 0
    package var receivedMilliseconds: Int64 = 0
    package private(set) var itemCount = 0
    package var unknown: [UnknownMember] = []
    package var extensions: [ExtensionMember] = []
    /// The first thing wrong with the event, if anything is.
    package private(set) var problem: FieldProblem?
    /// All that is wrong with it, at most `CoreLimits.problemsMax`, in the order in which it was
    /// found; kept only while `collectsProblems` is set.
    package private(set) var problems: [FieldProblem] = []
    /// For platforms that name every failing field in one answer.
    package var collectsProblems = false
    /// What becomes of addresses that senders name; stays from event to event.
    package var addressPolicy = AddressPolicy.truncate

    var input = Bytes.empty
    var scratch = ByteBuffer(capacity: 4_096)
    /// For intermediate forms; its content never outlives the call that wrote it.
    var work = ByteBuffer(capacity: 1_024)
    /// In which order the members of each object came.
    var order = MemberOrder()
    private var slots = SlotTable(count: EventField.count)
    private var rows = ItemRows()

    package init() {
        unknown.reserveCapacity(16)
        extensions.reserveCapacity(8)
    }

    /// Forgets the last event. `input` must stay in place until the next call.
    package mutating func begin(input: Bytes) {
        self.input = input
        present = FieldSet()
        itemCount = 0
        if problem != nil { problem = nil }
        if !problems.isEmpty { problems.removeAll(keepingCapacity: true) }
        scratch.removeAll()
        if !unknown.isEmpty { unknown.removeAll(keepingCapacity: true) }
        if !extensions.isEmpty { extensions.removeAll(keepingCapacity: true) }
    }

    // MARK: fields

    @inline(__always)
    package func has(_ field: EventField) -> Bool { present.contains(field) }

    @inline(__always)
    package mutating func set(_ field: EventField, _ slot: Slot) {
        present.insert(field)
        slots[Int(field.rawValue)] = slot
    }

    /// The same, by the field's place.
    @inline(__always)
    mutating func set(at place: Int, _ slot: Slot) {
        present.bits |= 1 &<< UInt64(place)
        slots[place] = slot
    }

    /// Marks a field whose value is kept as a number: `type`, `occurredAt`, `receivedAt`.
    @inline(__always)
    package mutating func mark(_ field: EventField) { present.insert(field) }

    package mutating func remove(_ field: EventField) { present.remove(field) }

    @inline(__always)
    package func slot(_ field: EventField) -> Slot? {
        has(field) ? slots[Int(field.rawValue)] : nil
    }

    /// The slot of a field that is known to be present.
    @inline(__always)
    func slot(at place: Int) -> Slot { slots[place] }

    /// The decoded text of a string, the digits of a number, the JSON of a list; nil when absent.
    /// Ends with the next change to the draft.
    @inline(__always)
    package func text(_ field: EventField) -> Bytes? {
        has(field) ? bytes(slots[Int(field.rawValue)]) : nil
    }

    /// What a slot refers to.
    @inline(__always)
    package func bytes(_ slot: Slot) -> Bytes {
        let range = Int(slot.start)..<Int(slot.start) + Int(slot.count)
        return slot.region == .input ? input[range] : scratch.bytes[range]
    }

    /// Copies UTF-8 text that came from elsewhere and makes it the field's value.
    package mutating func setText(_ field: EventField, copying text: Bytes) {
        set(field, copy(text, form: .plain))
    }

    mutating func copy(_ text: Bytes, form: Slot.Form) -> Slot {
        let start = scratch.count
        scratch.append(text)
        return Slot(form, .scratch, start: start, count: text.count)
    }

    // MARK: rows of order.items

    /// Opens a new row, to which `setItem` refers from now on.
    package mutating func beginItem() {
        rows.open(itemCount)
        itemCount += 1
    }

    @inline(__always)
    package mutating func setItem(_ row: Int, _ field: ItemField, _ slot: Slot) {
        precondition(row < itemCount)
        setItem(row, at: Int(field.rawValue), slot)
    }

    /// The same, by the field's place.
    @inline(__always)
    mutating func setItem(_ row: Int, at place: Int, _ slot: Slot) {
        rows.set(row, place, slot)
    }

    package mutating func removeItem(_ row: Int, _ field: ItemField) {
        precondition(row < itemCount)
        rows.remove(row, Int(field.rawValue))
    }

    @inline(__always)
    package func hasItem(_ row: Int, _ field: ItemField) -> Bool {
        row < itemCount && rows.bits(row) & (1 &<< UInt16(field.rawValue)) != 0
    }

    @inline(__always)
    package func itemSlot(_ row: Int, _ field: ItemField) -> Slot? {
        hasItem(row, field) ? rows.slot(row, Int(field.rawValue)) : nil
    }

    /// The fields of a row that are present, by their places.
    @inline(__always)
    func itemBits(_ row: Int) -> UInt16 { rows.bits(row) }

    /// The slot of a row's field that is known to be present.
    @inline(__always)
    func itemSlot(_ row: Int, at place: Int) -> Slot { rows.slot(row, place) }

    package func itemText(_ row: Int, _ field: ItemField) -> Bytes? {
        guard let slot = itemSlot(row, field) else { return nil }
        return bytes(slot)
    }

    // MARK: problems

    /// Keeps what is wrong, unless something was wrong before and one problem is enough.
    package mutating func note(_ found: FieldProblem) {
        if problem == nil { problem = found }
        if collectsProblems, problems.count < CoreLimits.problemsMax { problems.append(found) }
    }
}
