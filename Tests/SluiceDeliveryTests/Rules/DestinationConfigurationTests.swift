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

    private func credentials(
        _ platform: Platform, _ change: (inout DestinationConfiguration) -> Void
    ) -> [String] {
        var configuration = DestinationConfiguration(name: "d", platform: platform, url: "https://a.test")
        change(&configuration)
        return configuration.fixedHeaders.map { "\($0.name): \($0.value)" }
    }

    @Test func everyPlatformCarriesItsCredentialInItsOwnWay() {
        let gowit = credentials(.gowit) {
            $0.token = "key"
            $0.dataSource = "7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10"
        }
        #expect(
            gowit == ["Authorization: key", "Data-Source-UUID: 7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10"])
        let impact = credentials(.impact) {
            $0.accountSID = "IRsid1"
            $0.token = "s3cret"
        }
        #expect(impact == ["Authorization: Basic SVJzaWQxOnMzY3JldA=="])
        #expect(credentials(.impact) { $0.token = "s3cret" }.isEmpty)
        for platform in [Platform.vtex, .kevel] {
            #expect(credentials(platform) { $0.token = "t" }.isEmpty)
        }
    }

    @Test func basicCredentialsAreBase64() {
        // RFC 4648, section 10, and RFC 7617, section 2.
        let vectors = [
            "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=",
            "foobar": "Zm9vYmFy",
        ]
        for (text, encoded) in vectors { #expect(BasicCredential.base64(Array(text.utf8)) == encoded) }
        #expect(BasicCredential.base64([0xFB, 0xEF, 0xFF]) == "++//")
        #expect(
            BasicCredential.value(user: "Aladdin", password: "open sesame")
                == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    }

    @Test func ratesAreAmountPerUnit() {
        #expect(DeliveryRate("1000/h") == DeliveryRate(amount: 1000, periodMilliseconds: 3_600_000))
        #expect(DeliveryRate("5/s") == DeliveryRate(amount: 5, periodMilliseconds: 1000))
        for text in ["", "5", "5/", "/s", "0/s", "-1/s", "5/w", "5/s/s", "five/s"] {
            #expect(DeliveryRate(text) == nil, "\(text)")
        }
    }
}
