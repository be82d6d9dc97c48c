import SluiceSimulator
import Testing

@Suite struct PlainFormTests {
    @Test func `parameters are decoded in their order`() throws {
        let form = try #require(PlainForm("a=1&b=%C3%A9&a=2&&c&d=x=y", plusIsSpace: false))
        #expect(form.values("a") == ["1", "2"])
        #expect(form["b"] == "é" && form["c"] == "" && form["d"] == "x=y")
        #expect(form.text("c") == nil && form["e"] == nil)
        #expect(form.names == ["a", "b", "c", "d"])
    }

    @Test func `a plus sign is a space in forms only`() {
        #expect(PlainForm("a=b+c%2B", plusIsSpace: true)?["a"] == "b c+")
        #expect(PlainForm("a=b+c%2B", plusIsSpace: false)?["a"] == "b+c+")
    }

    @Test(arguments: ["a=b c", "a=é", "a=%zz", "a=%C3", "a=\"b\"", "a=b\r\nc", "a=%", "a=<b>", "a=b#c"])
    func `what must be escaped may not stand there`(text: String) {
        #expect(PlainForm(text, plusIsSpace: false) == nil)
        #expect(PlainForm(text, plusIsSpace: true) == nil)
    }

    @Test func `numbers are read strictly`() {
        #expect(PlainNumber.decimal("12.50") == 12.5 && PlainNumber.decimal("-1e2") == -100)
        for text in ["", "nan", "inf", "0x10", "1,5", "1 ", "-", "1e999", "e5"] {
            #expect(PlainNumber.decimal(text) == nil, "\(text)")
        }
        #expect(PlainNumber.int32("2147483647") == 2_147_483_647 && PlainNumber.int32("-1") == -1)
        for text in ["", "2147483648", "1.0", "1e3", "+1", " 1"] {
            #expect(PlainNumber.int32(text) == nil, "\(text)")
        }
    }
}
