import SluiceCore
import SluiceDelivery
import Testing

@Suite struct DestinationConfigurationTests {
    private func url(_ base: String, _ path: String) -> String {
        Array(path.utf8).withBytes {
            DestinationConfiguration(name: "d", platform: .topsort, url: base).requestURL(path: $0)
        }
    }

    @Test func basesAndPathsMeetInOneSlash() {
        #expect(url("https://a.test", "/v2/events") == "https://a.test/v2/events")
        #expect(url("https://a.test/", "/v2/events") == "https://a.test/v2/events")
        #expect(url("https://a.test/base/", "v2") == "https://a.test/base/v2")
        #expect(url("https://a.test/hook?x=1", "") == "https://a.test/hook?x=1")
        #expect(url("https://a.test/hook", "?x=1") == "https://a.test/hook?x=1")
    }

    @Test func topsortCarriesItsTokenAsBearer() {
        var configuration = DestinationConfiguration(name: "d", platform: .topsort, url: "https://a.test")
        configuration.token = "t"
        configuration.headers = [DestinationHeader(name: "X-A", value: "b")]
        #expect(
            configuration.fixedHeaders == [
                DestinationHeader(name: "X-A", value: "b"),
                DestinationHeader(name: "Authorization", value: "Bearer t"),
            ])
        configuration.platform = .webhook
        #expect(configuration.fixedHeaders.count == 1)
    }

    @Test func ratesAreAmountPerUnit() {
        #expect(DeliveryRate("1000/h") == DeliveryRate(amount: 1000, periodMilliseconds: 3_600_000))
        #expect(DeliveryRate("5/s") == DeliveryRate(amount: 5, periodMilliseconds: 1000))
        for text in ["", "5", "5/", "/s", "0/s", "-1/s", "5/w", "5/s/s", "five/s"] {
            #expect(DeliveryRate(text) == nil, "\(text)")
        }
    }
}
