import SluiceCore
import SluiceHTTP
import Testing

@Suite struct HTTPResponseTemplateTests {
    @Test func `writes what the general way writes, and follows the clock`() {
        let date = HTTPDate(seconds: 0)
        var accepted = HTTPResponseHead(status: 202, contentType: "application/json")
        accepted.acknowledge = .committed
        var pixel = HTTPResponseHead(status: 200, contentType: "image/gif")
        pixel.noStore = true
        var browser = HTTPResponseOptions(persistence: .close)
        browser.allowedOrigin = Bytes("https://shop.example")
        for head in [accepted, pixel, HTTPResponseHead(status: 204)] {
            let template = HTTPResponseTemplate(head, date: date)
            for seconds in [Int64(0), 1, 784_111_777] {
                date.update(seconds: seconds)
                for options in [HTTPResponseOptions(), HTTPResponseOptions(isHead: true), browser] {
                    var fast = ByteBuffer(capacity: 16)
                    var general = ByteBuffer(capacity: 16)
                    fast.append("before")
                    general.append("before")
                    template.append(options, body: Bytes("{\"accepted\":1}"), to: &fast)
                    HTTPResponse.append(
                        head, options, body: Bytes("{\"accepted\":1}"), date: date, to: &general)
                    #expect(fast.bytes.string == general.bytes.string)
                }
            }
        }
    }
}
