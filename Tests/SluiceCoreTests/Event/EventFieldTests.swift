import Testing

@testable import SluiceCore

@Suite struct EventFieldTests {
    @Test func everyFieldFitsIntoASet() { #expect(EventField.count <= 64) }

    @Test func namesAreUniqueWithinTheirContainer() {
        #expect(Set(EventField.allCases.map(\.path)).count == EventField.count)
        #expect(Set(ItemField.allCases.map { "\($0.name)" }).count == ItemField.count)
    }

    @Test func containersAreContiguous() {
        let containers = EventField.allCases.map(\.container.rawValue)
        #expect(containers == containers.sorted())
        #expect(EventField.orderTax.path == "order.tax")
        #expect(EventField.sessionID.path == "session_id")
    }

    @Test func keysAreFound() {
        for schema in [CanonicalSchema.native, CanonicalSchema.stored] {
            for object in schema.objects {
                for (place, property) in object.properties.enumerated() {
                    #expect(object.place(of: Bytes(property.name)) == place)
                }
                #expect(object.place(of: Bytes("nothing")) == -1)
                #expect(object.place(of: .empty) == -1)
            }
        }
    }

    @Test func theSchemaNamesEveryField() {
        var named: Set<UInt8> = []
        var items: Set<UInt8> = []
        for object in CanonicalSchema.stored.objects {
            for property in object.properties {
                if case .field(let field) = property.target { named.insert(field.rawValue) }
                if case .item(let field) = property.target { items.insert(field.rawValue) }
            }
        }
        #expect(named.count == EventField.count)
        #expect(items.count == ItemField.count)
    }
}
