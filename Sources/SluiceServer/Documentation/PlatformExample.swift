import SluiceCore

/// One event as a platform's own client sends it, as far as that platform requires or documents it. The
/// table of `docs/platforms.md` is made from these, and a test sends each of them over real sockets.
package struct PlatformExample: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case purchase = "Purchases"
        case ad = "Ad events"
        case organic = "Organic events"
        case pageView = "Page views"
    }

    package let platform: Platform
    package let kind: Kind
    /// What tells it from the platform's other examples.
    package let title: String
    package let method: String
    /// With the platform's prefix, and the query.
    package let target: String
    package let contentType: String
    package let body: String
    /// The status its platform answers a good request with.
    package let status: Int

    private init(
        _ platform: Platform, _ kind: Kind, _ title: String, _ status: Int, _ method: String, _ target: String,
        _ contentType: String = "application/json", _ body: String = ""
    ) {
        self.platform = platform
        self.kind = kind
        self.title = title
        self.status = status
        self.method = method
        self.target = target
        self.contentType = contentType
        self.body = body
    }

    private static let hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    private static let form = "application/x-www-form-urlencoded"

    /// All of them, in the order of the table. Accounts: marketplace `m-1`, publisher `pub-1`, network
    /// `123`, account `IRsid1`.
    package static let all: [PlatformExample] = purchases + ads + organic + pageViews

    private static let purchases = [
        PlatformExample(
            .native, .purchase, "with all that the others require", 202, "POST", "/v1/events", "application/json",
            """
            {"type":"purchase","id":"native-1","occurred_at":"2026-01-02T03:04:05Z","session_id":"s-1",\
            "user":{"id":"u-1","customer_id":"c-1","email_sha256":"\(hash)"},"order":{"id":"o-1",\
            "currency":"EUR","channel":"ecommerce","promo_code":"SAVE","items":[{"product_id":"p-1",\
            "sku":"sku-1","seller_id":"v-1","quantity":2,"unit_price":12.50,"list_price":15}]}}
            """),
        PlatformExample(
            .native, .purchase, "of somebody with one product", 202, "POST", "/v1/events", "application/json",
            """
            {"type":"purchase","id":"native-2","occurred_at":"2026-01-02T03:04:05Z","user":{"id":"u-1"},\
            "order":{"id":"o-2","items":[{"product_id":"p-1","quantity":1,"unit_price":9.99}]}}
            """),
        PlatformExample(
            .topsort, .purchase, "", 204, "POST", "/topsort/v2/events", "application/json",
            """
            {"impressions":[],"clicks":[],"purchases":[{"id":"topsort-1","occurredAt":"2026-01-02T03:04:05Z",\
            "opaqueUserId":"u-1","items":[{"productId":"p-1","unitPrice":12.50,"quantity":2,"vendorId":"v-1"}]}]}
            """),
        PlatformExample(
            .gowit, .purchase, "sale", 204, "POST", "/gowit/events", "application/json",
            """
            {"event_type":"sale","session_id":"s-1","marketplace_id":"m-1","customer_id":"c-1",\
            "request_id":"gowit-1","sales":[{"advertiser_id":"v-1","product_id":"p-1","unit_price":12.50,\
            "quantity":2}]}
            """),
        PlatformExample(
            .gowit, .purchase, "sale by the SDK", 204, "POST", "/gowit/server/sdk/sale_events",
            "application/json",
            """
            {"session_id":"s-1","marketplace_id":"m-1","request_id":"gowit-2","sales":[{"advertiser_id":"v-1",\
            "product_id":"p-1","unit_price":12.50,"quantity":2}]}
            """),
        PlatformExample(
            .gowit, .purchase, "offline sale", 204, "POST", "/gowit/events", "application/json",
            """
            {"event_type":"sale","channel":"OFFLINE","sale_date":"2026-01-02T03:04:05Z","customer_id":"c-1",\
            "marketplace_id":"m-1","request_id":"gowit-3","sales":[{"advertiser_id":"v-1","product_id":"p-1",\
            "unit_price":12.50,"quantity":2}]}
            """),
        PlatformExample(
            .vtex, .purchase, "conversion", 202, "POST", "/vtex/v1/beacon/conversion", "application/json",
            """
            {"publisher_id":"pub-1","user_id":"u-1","session_id":"s-1","order_id":"vtex-1",\
            "created_at":"2026-01-02T03:04:05Z","channel":"ecommerce","email_hashed":"\(hash)",\
            "items":[{"sku":"sku-1","product_id":"p-1","seller_id":"v-1","quantity":2,"price":15,\
            "promotional_price":12.50}]}
            """),
        PlatformExample(
            .vtex, .purchase, "conversion as real emitters write it", 202, "POST", "/vtex/v1/beacon/conversion",
            "application/json; charset=utf-8",
            """
            {"publisher_id":"pub-1","user_id":"u-1","session_id":"s-1","order_id":"vtex-2",\
            "created_at":"2026-01-02T03:04:05Z","channel":"ecommerce","email_hashed":"\(hash)",\
            "items":[{"product_sku":"sku-1","quantity":2,"price":12.50,"seller_id":"v-1"}]}
            """),
        PlatformExample(
            .kevel, .purchase, "", 204, "GET",
            "/kevel/c/123/purchase?userKey=u-1&productId=p-1&timestamp=2026-01-02T03:04:05Z&quantity=2&price=12.5&transactionId=kevel-1"
        ),
        PlatformExample(
            .kevel, .purchase, "by POST", 204, "POST",
            "/kevel/c/123/purchase?userKey=u-1&userKey=k-2&productId=p-1&timestamp=1767323045&quantity=2&price=12.5&transactionId=kevel-2&merchantId=v-1"
        ),
        PlatformExample(
            .impact, .purchase, "conversion", 200, "POST", "/impact/Advertisers/IRsid1/Conversions", form,
            "CampaignId=1000&EventTypeId=9876&EventDate=2026-01-02T03%3A04%3A05Z&OrderId=impact-1&ClickId=click-1&CustomerId=c-1&CurrencyCode=EUR&ItemSku1=sku-1&ItemQuantity1=2&ItemSubTotal1=25.00"
        ),
        PlatformExample(
            .impact, .purchase, "conversion as JSON", 200, "POST", "/impact/Advertisers/IRsid1/Conversions",
            "application/json",
            """
            {"CampaignId":1000,"ActionTrackerId":9876,"EventDate":"2026-01-02T03:04:05Z","Oid":"impact-2",\
            "CustomerId":"c-1","Currency":"EUR","CustomerEmail":"\(hash)","ItemSku1":"sku-1","ItemQuantity1":2,\
            "ItemPrice1":12.50}
            """),
        PlatformExample(
            .impact, .purchase, "conversion without item numbers", 200, "POST",
            "/impact/Advertisers/IRsid1/Conversions", form,
            "CampaignId=1000&EventTypeId=9876&EventDate=NOW&OrderId=impact-3&ClickId=click-1&ItemSku=sku-1&ItemQuantity=2&ItemSubTotal=25.00&ItemSku=sku-2&ItemQuantity=1&ItemSubTotal=9.90"
        ),
    ]

    private static let ads =
        [
            native("impression", "topsort", #""ad":{"id":"bid-1"}"#, "of Topsort"),
            native("click", "gowit", #""ad":{"id":"ad-1"}"#, "of GoWit"),
            native(
                "click", "vtex", #""ad":{"id":"ad-1","url":"/v1/beacon/click/ad-1?publisher_id=pub-1&sign=x"}"#,
                "of VTEX Ads"),
            PlatformExample(
                .topsort, .ad, "impression", 204, "POST", "/topsort/v2/events", "application/json",
                """
                {"impressions":[{"id":"topsort-2","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u-1",\
                "resolvedBidId":"bid-1"}]}
                """),
            PlatformExample(
                .topsort, .ad, "click", 204, "POST", "/topsort/v2/events", "application/json",
                """
                {"clicks":[{"id":"topsort-3","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u-1",\
                "resolvedBidId":"bid-1"}]}
                """),
        ]
        + ["impression", "viewable_impression", "click"].map { type in
            PlatformExample(
                .gowit, .ad, type.replacing("_", with: " "), 204, "POST", "/gowit/events", "application/json",
                """
                {"event_type":"\(type)","session_id":"s-1","marketplace_id":"m-1","ad_id":"ad-1",\
                "placement_id":"pl-1","request_id":"gowit-\(type)"}
                """)
        } + [
            PlatformExample(
                .gowit, .ad, "click by the SDK", 204, "GET",
                "/gowit/server/sdk/events?type=click&session_id=s-1&ad_id=ad-1&no_redirect=1"),
            PlatformExample(
                .gowit, .ad, "impression by the SDK", 204, "GET",
                "/gowit/server/sdk/events?type=impression&session_id=s-1&ad_id=a+d/1=&redirect=https://shop.example/p?x=1&y=2"
            ),
        ]
        + ["impression", "view", "click"].map { name in
            PlatformExample(
                .vtex, .ad, name, 202, "POST",
                "/vtex/v1/beacon/\(name)/ad-1?publisher_id=pub-1&campaign_id=c-1&sign=a%2Fb", "application/json",
                #"{"session_id":"s-1","user_id":"u-1"}"#)
        } + [
            PlatformExample(
                .vtex, .ad, "click from the storefront", 202, "POST",
                "/vtex/v1/beacon/click/ad-1?publisher_id=pub-1&campaign_id=c-1&sign=a%2Fb",
                form + ";charset=UTF-8", "session_id=s-1&user_id=u%2B1")
        ]

    private static let organic = [
        PlatformExample(
            .native, .organic, "click", 202, "POST", "/v1/events", "application/json",
            """
            {"type":"click","id":"native-organic","occurred_at":"2026-01-02T03:04:05Z","user":{"id":"u-1"},\
            "entity":{"type":"product","id":"p-1"},"placement":{"path":"/search"}}
            """),
        PlatformExample(
            .native, .organic, "impression by the pixel", 200, "GET",
            "/v1/pixel.gif?type=impression&id=native-pixel&user.id=u-1&entity.type=product&entity.id=p-1&placement.path=%2Fc%2F7"
        ),
        PlatformExample(
            .topsort, .organic, "click", 204, "POST", "/topsort/v2/events", "application/json",
            """
            {"clicks":[{"id":"topsort-4","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u-1",\
            "entity":{"type":"product","id":"p-1"},"placement":{"path":"/search"}}]}
            """),
    ]

    private static let pageViews = [
        PlatformExample(
            .native, .pageView, "", 202, "POST", "/v1/events", "application/json",
            """
            {"type":"page_view","id":"native-page","occurred_at":"2026-01-02T03:04:05Z","user":{"id":"u-1"},\
            "page":{"type":"home","id":"/"}}
            """),
        PlatformExample(
            .topsort, .pageView, "", 204, "POST", "/topsort/v2/events", "application/json",
            """
            {"pageviews":[{"id":"topsort-5","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u-1",\
            "page":{"type":"home","pageId":"/"}}]}
            """),
    ]

    private static func native(_ type: String, _ network: String, _ ad: String, _ title: String) -> PlatformExample {
        PlatformExample(
            .native, .ad, "\(type) \(title)", 202, "POST", "/v1/events", "application/json",
            """
            {"type":"\(type)","id":"native-\(network)","occurred_at":"2026-01-02T03:04:05Z","network":"\(network)",\
            "session_id":"s-1","user":{"id":"u-1"},\(ad)}
            """)
    }
}
