/// Every bound the core puts on what a sender may say. Sizes are bytes of decoded UTF-8.
package enum CoreLimits {
    /// Events in one native request.
    package static let eventsPerRequestMax = 10_000
    /// Rows in `order.items`.
    package static let itemsMax = 1_000
    /// Elements of `user.keys`, `ad.ids`, `placement.category_ids` and a list in `page.value`.
    package static let listElementsMax = 100
    /// Members without a canonical name, over one whole event.
    package static let unknownMembersMax = 256
    /// The name of such a member.
    package static let unknownKeyBytesMax = 256
    /// Rejected events of one request that its answer names; the others are counted only.
    package static let rejectionsListedMax = 1_000
    /// Bytes of a sender's own words, a member's name for instance, that a message repeats.
    package static let echoBytesMax = 64
    /// Problems of one event that an answer names.
    package static let problemsMax = 100
    /// How deep JSON may nest on the way in.
    package static let jsonDepthMax = 32
    /// How deep a stored line may nest: what came in, wrapped once more by `ext`.
    package static let canonicalDepthMax = 64

    /// `id`, and `order.id`, which is a purchase's id at platforms that have only one.
    package static let eventIDBytesMax = 256
    /// `session_id`, `user.id`, `user.customer_id` and each of `user.keys`.
    package static let personIDBytesMax = 512
    /// Ids that platforms make up: `ad.id`, `placement_id`, `click_id` and the like.
    package static let adIDBytesMax = 1_024
    /// Ids of catalogue and order: products, vendors, categories, campaigns.
    package static let catalogIDBytesMax = 512
    /// `context.page_url`, `context.referrer`, `placement.search_query`, `placement.path`, `ad.url`.
    package static let urlBytesMax = 4_096
    /// Path and query of a VTEX beacon, which are signed and must not be cut.
    package static let vtexURLBytesMax = 8_192
    /// Titles and names that people read.
    package static let nameBytesMax = 1_024
    /// `context.user_agent`.
    package static let userAgentBytesMax = 1_024
    /// Short words such as `gender`, `currency`, `channel`.
    package static let wordBytesMax = 64
    /// A plaintext email, phone, name or tax id before it is hashed.
    package static let personalBytesMax = 512
    /// The text of a decimal number.
    package static let decimalBytesMax = 40
    package static let integerMax: Int64 = 2_147_483_647

    /// Events in one array of Topsort's `POST /v2/events`.
    package static let topsortArrayMax = 50
    /// Bytes without a canonical name that a GoWit request for several ads may hold, since each of its
    /// events keeps them.
    package static let gowitSharedBytesMax = 8_192
    /// User keys of one Kevel purchase.
    package static let kevelUserKeysMax = 100
    /// Events in one webhook request.
    package static let webhookEventsMax = 1_000
    /// Bytes of a webhook's body before compression; one event alone may exceed it.
    package static let webhookBodyBytesMax = 4 << 20
    /// Bytes of an upstream's words kept as the reason of an outcome.
    package static let reasonBytesMax = 512
    /// The longest pause an upstream may ask for.
    package static let retryAfterSecondsMax = 86_400
}
