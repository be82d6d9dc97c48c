/// The canonical event as a schema, in two strengths: as senders of native events must keep to
/// it, and as it is read back from the log.
package enum CanonicalSchema {
    /// What a native event may hold. `received_at`, `source` and `platform` are the gateway's to
    /// say: a sender's go to `ext.native` with all other members that have no name here.
    package static let native = EventSchema(objects(strict: true))

    /// What a stored line holds.
    package static let stored = EventSchema(objects(strict: false))

    private static func objects(strict: Bool) -> [ObjectSchema] {
        let build = Builder(strict: strict)
        return [
            build.root, build.user, build.ad, build.placement, build.page, build.object, build.entity,
            build.attribution, build.order, build.items, build.context,
        ]
    }

    /// Where the rows of `order.items` stand in the schemas.
    package static let itemsPlace: UInt8 = Place.items

    /// Places in `objects`.
    private enum Place {
        static let user: UInt8 = 1
        static let ad: UInt8 = 2
        static let placement: UInt8 = 3
        static let page: UInt8 = 4
        static let object: UInt8 = 5
        static let entity: UInt8 = 6
        static let attribution: UInt8 = 7
        static let order: UInt8 = 8
        static let items: UInt8 = 9
        static let context: UInt8 = 10
    }

    private struct Builder {
        let strict: Bool

        /// Stored lines were checked when they came in; only what each value is still matters.
        private func property(
            _ field: EventField, _ rule: ValueRule, required: Bool = false, empty: EmptyText = .absent
        ) -> Property {
            Property(
                field.name, strict ? rule : Builder.loosened(rule), .field(field), required: required,
                empty: strict ? empty : .kept)
        }

        private func item(_ field: ItemField, _ rule: ValueRule) -> Property {
            Property(
                field.name, strict ? rule : Builder.loosened(rule), .item(field),
                empty: strict ? .absent : .kept)
        }

        private static func loosened(_ rule: ValueRule) -> ValueRule {
            switch rule {
            case .text, .choice, .hash, .address: .text(max: .max)
            case .decimal, .integer: .number
            case .textList, .textOrList: .anyList
            default: rule
            }
        }

        private func word(_ field: EventField) -> Property {
            property(field, .text(max: CoreLimits.wordBytesMax))
        }
        private func name(_ field: EventField) -> Property {
            property(field, .text(max: CoreLimits.nameBytesMax))
        }
        private func url(_ field: EventField) -> Property {
            property(field, .text(max: CoreLimits.urlBytesMax))
        }

        private func person(_ field: EventField) -> Property {
            property(field, .text(max: CoreLimits.personIDBytesMax))
        }

        private func adID(_ field: EventField) -> Property {
            property(field, .text(max: CoreLimits.adIDBytesMax))
        }

        private func catalog(_ field: EventField, required: Bool = false) -> Property {
            property(field, .text(max: CoreLimits.catalogIDBytesMax), required: required)
        }

        var root: ObjectSchema {
            var properties = [
                property(
                    .id, .text(max: CoreLimits.eventIDBytesMax), required: !strict, empty: .refused),
                property(.type, .eventType, required: true, empty: .refused),
                property(.occurredAt, .time),
                word(.network),
                person(.sessionID),
                Property("user", .object(Place.user)),
                Property("ad", .object(Place.ad)),
                Property("placement", .object(Place.placement)),
                Property("page", .object(Place.page)),
                Property("object", .object(Place.object)),
                Property("entity", .object(Place.entity)),
                Property("attribution", .object(Place.attribution)),
                Property("order", .object(Place.order)),
                Property("context", .object(Place.context)),
                Property("ext", .extensions),
            ]
            if !strict {
                properties.append(property(.receivedAt, .time, required: true))
                properties.append(property(.source, .text(max: .max), required: true))
                properties.append(property(.platform, .text(max: .max), required: true))
            }
            return ObjectSchema("", properties)
        }

        var user: ObjectSchema {
            var properties = [
                person(.userID),
                property(.userKeys, .textList(max: CoreLimits.personIDBytesMax)),
                person(.userCustomerID),
                property(.userEmailSHA256, .hash),
                property(.userPhoneSHA256, .hash),
                property(.userTaxIDSHA256, .hash),
                property(.userFirstNameSHA256, .hash),
                property(.userLastNameSHA256, .hash),
                property(.userGender, .choice(.gender)),
                name(.userRegion),
                name(.userCity),
                property(.userIsCompany, .boolean),
                word(.userStatus),
            ]
            if strict {
                properties += [
                    Property("email", .personal(.email), .field(.userEmailSHA256)),
                    Property("phone", .personal(.phone), .field(.userPhoneSHA256)),
                    Property("tax_id", .personal(.taxID), .field(.userTaxIDSHA256)),
                    Property("first_name", .personal(.name), .field(.userFirstNameSHA256)),
                    Property("last_name", .personal(.name), .field(.userLastNameSHA256)),
                ]
            }
            return ObjectSchema("user", properties)
        }

        var ad: ObjectSchema {
            ObjectSchema(
                "ad",
                [
                    adID(.adID), property(.adIDs, .textList(max: CoreLimits.adIDBytesMax)),
                    adID(.adPlacementID), adID(.adClickID), word(.adClickType), catalog(.adCampaignID),
                    url(.adURL),
                ])
        }

        var placement: ObjectSchema {
            ObjectSchema(
                "placement",
                [
                    url(.placementPath),
                    property(.placementPosition, .integer(min: 1)),
                    property(.placementPage, .integer(min: 1)),
                    property(.placementPageSize, .integer(min: 1)),
                    catalog(.placementProductID),
                    property(.placementCategoryIDs, .textList(max: CoreLimits.catalogIDBytesMax)),
                    url(.placementSearchQuery),
                ])
        }

        var page: ObjectSchema {
            ObjectSchema(
                "page",
                [
                    property(.pageType, .choice(.pageType), required: strict),
                    property(
                        .pageID, .text(max: CoreLimits.urlBytesMax), required: strict, empty: .kept),
                    property(.pageValue, .textOrList(max: CoreLimits.urlBytesMax)),
                ])
        }

        var object: ObjectSchema {
            ObjectSchema(
                "object",
                [
                    property(.objectType, .choice(.objectType), required: strict),
                    catalog(.objectAssetID), word(.objectClickType),
                ])
        }

        var entity: ObjectSchema {
            ObjectSchema(
                "entity",
                [
                    property(.entityType, .choice(.entityType), required: strict),
                    catalog(.entityID, required: strict),
                ])
        }

        var attribution: ObjectSchema {
            ObjectSchema(
                "attribution",
                [
                    property(.attributionType, .text(max: CoreLimits.wordBytesMax), required: strict),
                    catalog(.attributionID, required: strict),
                ])
        }

        var order: ObjectSchema {
            ObjectSchema(
                "order",
                [
                    property(.orderID, .text(max: CoreLimits.eventIDBytesMax)), word(.orderCurrency),
                    word(.orderChannel), name(.orderBrand),
                    property(.orderDiscount, .decimal(.notNegative)), name(.orderPromoCode),
                    property(.orderShipping, .decimal(.notNegative)),
                    property(.orderTax, .decimal(.notNegative)),
                    Property("items", .rows(Place.items)),
                ])
        }

        var items: ObjectSchema {
            let catalog = ValueRule.text(max: CoreLimits.catalogIDBytesMax)
            let name = ValueRule.text(max: CoreLimits.nameBytesMax)
            let money = ValueRule.decimal(.notNegative)
            return ObjectSchema(
                "items", parent: Place.order, isRow: true,
                [
                    item(.productID, catalog), item(.sku, catalog), item(.name, name), item(.category, name),
                    item(.brand, name), item(.sellerID, catalog), item(.quantity, .decimal(.positive)),
                    item(.unitPrice, money), item(.listPrice, money), item(.lineTotal, money),
                    item(.discount, money), item(.ltvQuantity, .integer(min: 0)), item(.ltvValue, money),
                ])
        }

        var context: ObjectSchema {
            ObjectSchema(
                "context",
                [
                    url(.contextPageURL), url(.contextReferrer),
                    property(.contextUserAgent, .text(max: CoreLimits.userAgentBytesMax)),
                    property(.contextIP, .address), word(.contextDeviceType), word(.contextChannel),
                    property(.contextGPC, .boolean), property(.contextBot, .boolean),
                    catalog(.contextLocationID),
                ])
        }
    }
}
