import SluiceCore
import SluiceServer
import Testing

/// A document and everything that is wrong with it.
struct BadConfiguration: Sendable, CustomTestStringConvertible {
    var yaml: String
    var expected: [String]

    init(_ yaml: String, _ expected: String...) {
        self.yaml = yaml
        self.expected = expected
    }

    var testDescription: String { yaml }
}

@Suite struct ConfigurationProblemTests {
    static let documents: [BadConfiguration] = [
        .init("- a\n", "c.yaml:1:1: expected keys and values, found a list"),
        .init("hello\n", "c.yaml:1:1: expected keys and values, found a single value"),
        .init(
            "listen: [\n",
            "c.yaml:2:1: is not YAML: did not find expected node content while parsing a flow node"),
        .init(
            "a: b\n---\nc: d\n",
            "c.yaml:2:1: begins another document; a configuration is one, so leave '---' out"),
        .init(
            "\tlisten: 3\n",
            "c.yaml:1:1: is not YAML: found character that cannot start any token while scanning for the next token"
        ),
    ]

    static let keys: [BadConfiguration] = [
        .init("lisen: ['127.0.0.1:1']\n", "c.yaml:1:1: lisen: unknown key; did you mean 'listen'?"),
        .init("colour: red\n", "c.yaml:1:1: colour: unknown key"),
        .init("limits: {Body: 1MiB}\n", "c.yaml:1:10: limits.Body: unknown key; did you mean 'body'?"),
        .init("limits:\n  body-size: 1\n", "c.yaml:2:3: limits.body-size: unknown key"),
        .init(
            "log:\n  segment: {sise: 1MiB}\n",
            "c.yaml:2:13: log.segment.sise: unknown key; did you mean 'size'?"),
        .init("deduplicate: {ages: 1h}\n", "c.yaml:1:15: deduplicate.ages: unknown key; did you mean 'age'?"),
        .init("deduplicate: on\n", "c.yaml:1:14: deduplicate: expected keys and values, found a single value"),
        .init("workers: 1\nworkers: 2\n", "c.yaml:1:1: workers: is given more than once"),
        .init(
            "limits:\n  body: 1MiB\n  \"body\": 2MiB\n  nope: 1\nworkers: x\n",
            "c.yaml:2:3: limits.body: is given more than once", "c.yaml:4:3: limits.nope: unknown key",
            "c.yaml:5:10: workers: 'x' is not a whole number"),
        .init(
            "data: ä\r\nworkers: 1\r\nworkers: x\r\n", "c.yaml:2:1: workers: is given more than once",
            "c.yaml:3:10: workers: 'x' is not a whole number"),
        .init(
            "log: {segment: {\"size\": 1MiB, ä: 1, 'size': 2MiB, size: 1GiB}}\n",
            "c.yaml:1:17: log.segment.size: is given more than once",
            "c.yaml:1:31: log.segment.ä: unknown key",
            "c.yaml:1:37: log.segment.size: is given more than once"),
        .init("<<: {workers: 1}\n", "c.yaml:1:1: <<: unknown key"),
        .init("? [a]\n: b\n", "c.yaml:1:3: expected the name of a key"),
        .init(
            "sources: [{name: a, accounts: {topsort: x}}]\n",
            "c.yaml:1:32: sources[0].accounts.topsort: unknown key"),
        .init(
            "destinations: [{name: a, platform: topsort, url: 'https://x', token: t, secret: s}]\n",
            "c.yaml:1:73: destinations[0].secret: is a key of webhook destinations, not of topsort ones"),
        .init(
            "destinations: [{name: a, platform: topsort, url: 'https://x', token: t, retri: 1}]\n",
            "c.yaml:1:73: destinations[0].retri: unknown key; did you mean 'retry'?"),
    ]

    static let types: [BadConfiguration] = [
        .init("listen: '127.0.0.1:1'\n", "c.yaml:1:9: listen: expected a list, found a single value"),
        .init("listen: []\n", "c.yaml:1:9: listen: names no address; at least one is needed"),
        .init("listen: [[a]]\n", "c.yaml:1:10: listen[0]: expected a single value, found a list"),
        .init("workers:\n", "c.yaml:1:9: workers: has no value; leave the key out for its default"),
        .init("workers: ~\n", "c.yaml:1:10: workers: has no value; leave the key out for its default"),
        .init("log: zstd\n", "c.yaml:1:6: log: expected keys and values, found a single value"),
        .init("sources: {name: a}\n", "c.yaml:1:10: sources: expected a list, found keys and values"),
        .init(
            "sources: []\n",
            "c.yaml:1:10: sources: is empty; leave the key out for one open source on loopback"),
        .init("data: ''\n", "c.yaml:1:7: data: '' is empty"),
        .init("workers: 1.5\n", "c.yaml:1:10: workers: '1.5' is not a whole number"),
        .init("workers: 300\n", "c.yaml:1:10: workers: '300' is out of range: from 0 to 256"),
        .init(
            "drain: 10\n",
            "c.yaml:1:8: drain: '10' is not a duration: expected whole numbers with d, h, m, s or ms, as in 10s or 1h30m"
        ),
        .init("drain: 11m\n", "c.yaml:1:8: drain: '11m' is out of range: from 0s to 10m"),
        .init("log_format: xml\n", "c.yaml:1:13: log_format: 'xml' is not known: expected text or json"),
        .init(
            "log_level: warn\n",
            "c.yaml:1:12: log_level: 'warn' is not known: expected trace, debug, info, notice, warning, error or critical"
        ),
        .init(
            "acknowledge: commited\n",
            "c.yaml:1:14: acknowledge: 'commited' is not known: expected committed or received; did you mean 'committed'?"
        ),
        .init(
            "log: {compression: gzip}\n",
            "c.yaml:1:20: log.compression: 'gzip' is not known: expected zstd, zlib or none"),
        .init(
            "limits: {body: 1 mib}\n",
            "c.yaml:1:16: limits.body: '1 mib' is not a size: expected a whole number with B, KB, MB, GB, KiB, MiB or GiB, as in 64KiB"
        ),
        .init(
            "limits: {head: 100B}\n", "c.yaml:1:16: limits.head: '100B' is out of range: from 1KiB to 1MiB"),
        .init(
            "admin: 9090\n",
            "c.yaml:1:8: admin: '9090' has no port: expected the form 127.0.0.1:8080 or [::1]:8080"),
        .init(
            "admin: '::1:9090'\n",
            "c.yaml:1:8: admin: '::1:9090' is an IPv6 address without brackets: expected the form [::1]:8080"),
        .init("admin: 'localhost:99999'\n", "c.yaml:1:8: admin: 'localhost:99999' has a port above 65535"),
        .init(
            "admin: '256.1.1.1:1'\n",
            "c.yaml:1:8: admin: '256.1.1.1:1' is not an address: expected the form 127.0.0.1:8080 or [::1]:8080"
        ),
        .init(
            "hosts: {'https://x': topsort, a.test: tosport, b.test: webhook, c.test: vtex, D.test: native, d.test: native}\n",
            "c.yaml:1:9: hosts.https://x: 'https://x' is not a host name: expected the form events.shop.example, without scheme and port",
            "c.yaml:1:39: hosts.a.test: 'tosport' is not known: expected native, topsort, gowit, vtex, kevel or impact; did you mean 'topsort'?",
            "c.yaml:1:56: hosts.b.test: 'webhook' is not known: expected native, topsort, gowit, vtex, kevel or impact",
            "c.yaml:1:95: hosts.d.test: is given more than once"),
    ]

    static let sources: [BadConfiguration] = [
        .init("sources: [{keys: [a]}]\n", "c.yaml:1:11: sources[0].name: is required"),
        .init(
            "sources: [{name: 'a b', keys: [a]}]\n",
            "c.yaml:1:18: sources[0].name: 'a b' is not a name: 1 to 64 of the characters A-Z a-z 0-9 . _ -"),
        .init(
            "sources: [{name: a, id: 12, keys: [a]}]\n",
            "c.yaml:1:25: sources[0].id: '12' is not a UUID: expected the form 7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10"
        ),
        .init(
            "sources: [{name: a, open: yes}]\n",
            "c.yaml:1:27: sources[0].open: 'yes' is neither true nor false"),
        .init(
            "sources: [{name: a, ip: hide}]\n",
            "c.yaml:1:25: sources[0].ip: 'hide' is not known: expected truncate, full or drop"),
        .init(
            "sources: [{name: a, keys: ['x y', '']}]\n",
            "c.yaml:1:28: sources[0].keys[0]: the value holds a space or a character that is not printable ASCII",
            "c.yaml:1:35: sources[0].keys[1]: the value is empty"),
        .init(
            "sources: [{name: a, keys: [k], origins: ['https://x.test/', 'x.test', 'https://x.test:443', 'ftp://x.test']}]\n",
            "c.yaml:1:42: sources[0].origins[0]: 'https://x.test/' is not an origin: nothing may follow the host and port; write 'https://x.test'",
            "c.yaml:1:61: sources[0].origins[1]: 'x.test' is not an origin: it has no scheme; expected the form https://shop.example",
            "c.yaml:1:71: sources[0].origins[2]: 'https://x.test:443' names the scheme's own port, which browsers leave out; write 'https://x.test'",
            "c.yaml:1:93: sources[0].origins[3]: 'ftp://x.test' is not an origin: its scheme is not http or https; expected the form https://shop.example"
        ),
        .init(
            "sources:\n  - {name: a, keys: [k]}\n  - {name: a, keys: [l]}\n",
            "c.yaml:3:12: sources[1].name: another source is called 'a', too"),
        .init(
            "sources:\n  - {name: a, keys: [k]}\n  - {name: b, keys: [l, k]}\n",
            "c.yaml:3:25: sources[1].keys[1]: is a key of source 'a', too"),
        .init(
            "sources:\n  - {name: a, accounts: {vtex: p}}\n  - {name: b, accounts: {kevel: p, vtex: p}}\n",
            "c.yaml:3:42: sources[1].accounts.vtex: is the account of source 'a', too"),
        .init(
            "sources:\n  - {name: a, keys: [k], id: 7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10}\n  - {name: b, keys: [l], id: 7D0F3F0E-6F0B-4A53-9A6E-0C6C2F1F7F10}\n",
            "c.yaml:3:30: sources[1].id: is the id of source 'a', too"),
        .init(
            "sources: [{name: a}, {name: b}]\n",
            "c.yaml:1:29: sources[1].name: source 'b' has neither keys nor accounts, like 'a'; only one source may"
        ),
        .init(
            "sources: [{name: a, keys: [k], open: true}]\n",
            "c.yaml:1:38: sources[0].open: is set for a source with keys or accounts; drop one or the other"),
        .init(
            "listen: ['0.0.0.0:80']\nsources: [{name: a}]\n",
            "c.yaml:2:18: sources[0].name: source 'a' has neither keys nor accounts, so anyone who reaches '0.0.0.0:80' could send; give it keys, or set open: true"
        ),
        .init(
            "listen: ['10.0.0.1:80']\n",
            "c.yaml:1:1: sources: source 'local' has neither keys nor accounts, so anyone who reaches '10.0.0.1:80' could send; give it keys, or set open: true"
        ),
        .init(
            "listen: ['10.0.0.1:80']\nsources: [{name: a, open: false}]\n",
            "c.yaml:2:27: sources[0].open: source 'a' has neither keys nor accounts, so anyone who reaches '10.0.0.1:80' could send; give it keys, or set open: true"
        ),
        // A key that is wrong does not make the source an open one.
        .init(
            "listen: ['10.0.0.1:80']\nsources: [{name: a, keys: ['${NONE}']}]\n",
            "c.yaml:2:28: sources[0].keys[0]: environment variable NONE is not set"),
    ]

    static let destinations: [BadConfiguration] = [
        .init(
            "destinations: [{}]\n", "c.yaml:1:16: destinations[0].platform: is required",
            "c.yaml:1:16: destinations[0].name: is required", "c.yaml:1:16: destinations[0].url: is required"),
        .init(
            "destinations: [{name: a, platform: topsort, url: 'https://x'}]\n",
            "c.yaml:1:16: destinations[0].token: is required for topsort destinations"),
        .init(
            "destinations: [{name: a, platform: vtex, url: 'https://x'}]\n",
            "c.yaml:1:16: destinations[0].publisher_id: is required for vtex destinations",
            "c.yaml:1:36: destinations[0].platform: this version does not deliver to vtex yet; it delivers to topsort and webhook"
        ),
        .init(
            "destinations: [{name: a, platform: native, url: 'https://x'}]\n",
            "c.yaml:1:36: destinations[0].platform: 'native' is not known: expected topsort, gowit, vtex, kevel, impact or webhook"
        ),
        .init(
            "destinations:\n  - {name: a, platform: webhook, url: 'https://x'}\n  - {name: a, platform: webhook, url: 'https://y'}\n",
            "c.yaml:3:12: destinations[1].name: another destination is called 'a', too"),
        .init(
            destination(" url: x.test/y"),
            "c.yaml:1:50: destinations[0].url: 'x.test/y' is not a URL: it has no scheme; expected the form https://api.example.com"
        ),
        .init(
            destination(" url: 'https:///y'"),
            "c.yaml:1:50: destinations[0].url: 'https:///y' is not a URL: it has no host; expected the form https://api.example.com"
        ),
        .init(
            destination(" url: 'https://u:p@x/y'"),
            "c.yaml:1:50: destinations[0].url: 'https://(secret)@x/y' holds a user name or password; give credentials in keys of their own"
        ),
        .init(
            destination(" url: 'https://u:p/w@x/y?token=t'"),
            "c.yaml:1:50: destinations[0].url: 'https://(secret)@x/y?(secret)' is not a URL: its port is not a number from 1 to 65535"
        ),
        .init(
            destination(" url: 'https://x/y?token=t u'"),
            "c.yaml:1:50: destinations[0].url: 'https://x/y?(secret)' is not a URL: it holds a space or a character that must be percent-encoded"
        ),
        .init(
            destination(" url: 'https://x:0/y'"),
            "c.yaml:1:50: destinations[0].url: 'https://x:0/y' is not a URL: its port is not a number from 1 to 65535"
        ),
        .init(
            destination(" url: 'https://x/y#z'"),
            "c.yaml:1:50: destinations[0].url: 'https://x/y#z' is not a URL to send to: it has a fragment ('#')"
        ),
        .init(
            destination(" url: 'https://x/y z'"),
            "c.yaml:1:50: destinations[0].url: 'https://x/y z' is not a URL: it holds a space or a character that must be percent-encoded"
        ),
        .init(
            destination(" url: 'https://x_/%'").replacing("x_", with: "-x"),
            "c.yaml:1:50: destinations[0].url: 'https://-x/%' is not a URL: its host is not a host name or an IP address; expected the form https://api.example.com"
        ),
        .init(
            "destinations: [{name: a, platform: topsort, token: t, url: 'https://x?a=b'}]\n",
            "c.yaml:1:60: destinations[0].url: is the base of topsort's URLs and can have no query ('?')"),
        .init(
            "destinations: [{name: a, platform: topsort, token: t, url: 'https://x/v2/events'}]\n",
            "c.yaml:1:60: destinations[0].url: is the base of topsort's URLs: leave '/v2/events' out"),
        .init(
            "destinations: [{name: a, platform: topsort, token: t, url: 'https://x', gzip: true}]\n",
            "c.yaml:1:79: destinations[0].gzip: topsort takes no compressed bodies; only webhook destinations can have it"
        ),
        .init(
            webhook("events: [clik]"),
            "c.yaml:1:72: destinations[0].events[0]: 'clik' is not known: expected impression, viewable_impression, click, purchase or page_view; did you mean 'click'?"
        ),
        .init(
            webhook("events: []"),
            "c.yaml:1:71: destinations[0].events: is empty, so nothing would be delivered; leave the key out for no rule"
        ),
        .init(
            webhook("events: [click, click]"),
            "c.yaml:1:79: destinations[0].events[1]: is given more than once"),
        .init(
            webhook("sources: [locel]"),
            "c.yaml:1:73: destinations[0].sources[0]: there is no source 'locel'; did you mean 'local'?"),
        .init(
            webhook("networks: [google]"),
            "c.yaml:1:74: destinations[0].networks[0]: 'google' is not known: expected topsort, gowit, vtex, kevel, impact or organic"
        ),
        .init(
            webhook("batch: 0"), "c.yaml:1:70: destinations[0].batch: '0' is out of range: from 1 to 10000"),
        .init(
            webhook("concurrency: 1000"),
            "c.yaml:1:76: destinations[0].concurrency: '1000' is out of range: from 1 to 256"),
        .init(
            webhook("rate: 10"),
            "c.yaml:1:69: destinations[0].rate: '10' is not a rate: expected requests per s, m, h or d, as in 1000/h"
        ),
        .init(
            webhook("retry: 24h"),
            "c.yaml:1:70: destinations[0].retry: expected keys and values, found a single value"),
        .init(
            webhook("retry: {for: 8d}"),
            "c.yaml:1:76: destinations[0].retry.for: retrying for 8d is longer than events are kept (log.retain.age is 7d)"
        ),
        .init(
            "log: {retain: {age: 2h}}\n" + webhook("batch: 1"),
            "c.yaml:2:16: destinations[0].retry: retrying for 1d is longer than events are kept (log.retain.age is 2h)"
        ),
        .init(
            webhook("timeout: 5s, retry: {for: 2s}"),
            "c.yaml:1:72: destinations[0].timeout: 5s is longer than events are tried (retry.for is 2s)"),
        .init(webhook("ca_file: /none"), "c.yaml:1:72: destinations[0].ca_file: '/none' cannot be read"),
        .init(
            webhook("ca_file: /ca.pem").replacing("https", with: "http"),
            "c.yaml:1:71: destinations[0].ca_file: is of no use without https"),
        .init(
            webhook("headers: {'a b': x, Host: y, X: \"a\\nb\", Ok: 1, ok: 2}"),
            "c.yaml:1:73: destinations[0].headers.a b: 'a b' is not the name of a header",
            "c.yaml:1:83: destinations[0].headers.Host: is set by the gateway itself",
            "c.yaml:1:95: destinations[0].headers.X: the value holds a character that may not stand in a header",
            "c.yaml:1:110: destinations[0].headers.ok: is given more than once"),
        .init(
            webhook("token: t, headers: {authorization: x}"),
            "c.yaml:1:83: destinations[0].headers.authorization: is set by the gateway itself"),
        .init(
            webhook("start: now"),
            "c.yaml:1:70: destinations[0].start: 'now' is not known: expected latest or earliest"),
        .init(
            webhook("ambiguous: drop"),
            "c.yaml:1:74: destinations[0].ambiguous: 'drop' is not known: expected retry or park"),
        .init(
            webhook("gpc: hold"),
            "c.yaml:1:68: destinations[0].gpc: 'hold' is not known: expected send, strip or withhold"),
        .init(
            webhook("gpc: withhold"),
            "c.yaml:1:68: destinations[0].gpc: this version does not withhold events yet; it sends them"),
    ]

    static let conflicts: [BadConfiguration] = [
        .init(
            "listen: ['127.0.0.1:9090']\n",
            "c.yaml:1:1: admin: '127.0.0.1:9090' gets in the way of '127.0.0.1:9090' of listen; the admin port is never the public one"
        ),
        .init(
            "listen: ['0.0.0.0:1']\nadmin: 127.0.0.1:1\nsources: [{name: a, open: true}]\n",
            "c.yaml:2:8: admin: '127.0.0.1:1' gets in the way of '0.0.0.0:1' of listen; the admin port is never the public one"
        ),
        .init(
            "listen: ['127.0.0.1:1', '127.0.0.1:1']\n",
            "c.yaml:1:25: listen[1]: '127.0.0.1:1' gets in the way of '127.0.0.1:1'"),
        .init("limits: {body: 9MiB}\n", "c.yaml:1:16: limits.body: 9MiB is more than limits.inflated (8MiB)"),
        .init(
            "limits: {inflated: 512KiB}\n",
            "c.yaml:1:9: limits.body: 1MiB is more than limits.inflated (512KiB)"),
        .init(
            "workers: 4\nlimits: {connections: 3}\n",
            "c.yaml:2:23: limits.connections: 3 is fewer than the 4 shards; each needs at least one"),
        .init(
            "workers: 2\nlimits: {receive_memory: 2MiB}\n",
            "c.yaml:2:26: limits.receive_memory: 2MiB over 2 shards leaves no room for one request of limits.head and limits.body together; at least 2080KiB is needed"
        ),
        .init(
            "workers: 32\nlimits: {answer_memory: 1MiB}\n",
            "c.yaml:2:25: limits.answer_memory: 1MiB over 32 shards is less than 64KiB each; at least 2MiB is needed"
        ),
        .init(
            "limits: {recent_blocks: 1MiB}\n",
            "c.yaml:1:25: limits.recent_blocks: 1MiB holds fewer than two blocks of 1MiB"),
        .init(
            "log:\n  retain: {size: 1GiB}\n",
            "c.yaml:2:18: log.retain.size: log.retain.size (1GiB) must be at least twice log.segment.size (1GiB): only whole segments are given up"
        ),
        .init(
            "log:\n  retain: {size: 4GiB, hard_size: 3GiB}\n",
            "c.yaml:2:35: log.retain.hard_size: log.retain.hard_size (3GiB) must be at least log.retain.size (4GiB)"
        ),
        .init(
            "log: {segment: {size: 30GiB}}\n",
            "c.yaml:1:23: log.segment.size: log.retain.size (50GiB) must be at least twice log.segment.size (30GiB): only whole segments are given up"
        ),
        .init(
            "log: {retain: {age: 30m}}\n",
            "c.yaml:1:21: log.retain.age: log.retain.age (30m) must be at least log.segment.age (1h)"),
        .init(
            "log: {segment: {age: 8d}}\n",
            "c.yaml:1:22: log.segment.age: log.retain.age (7d) must be at least log.segment.age (8d)"),
    ]

    /// A webhook destination with `rest` from column 43 on.
    static func destination(_ rest: String) -> String {
        "destinations: [{name: a, platform: webhook,\(rest)}]\n"
    }

    /// A webhook destination with `rest` from column 63 on.
    static func webhook(_ rest: String) -> String {
        "destinations: [{name: a, platform: webhook, url: 'https://x', \(rest)}]\n"
    }

    @Test(arguments: documents + keys + types + sources + destinations + conflicts)
    func everyProblemIsNamedWithItsPlace(bad: BadConfiguration) {
        #expect(problems(bad.yaml) == bad.expected)
    }

    @Test func problemsComeInTheOrderOfTheFile() {
        let lines = problems("destinations: [{name: a}]\nworkers: x\nlisten: 1\nlog: {a: b}\n")
        #expect(lines.map { $0.split(separator: ":")[1] } == ["1", "1", "2", "3", "4"])
    }

    @Test func aProblemWithoutAPlaceIsStillReadable() {
        #expect(ConfigurationProblem(file: nil, message: "no").description == "no")
        #expect(ConfigurationProblem(file: "f", key: "k", message: "no").description == "f: k: no")
    }

    /// Whatever an editor leaves behind, there is an answer.
    @Test func damagedDocumentsAreAnsweredToo() {
        let whole = """
            listen: ["127.0.0.1:1"]
            log: {segment: {size: 1MiB, age: 1h}}
            sources: &s
              - name: "a${A}"
                keys: ['k', "\\u00e4"]
                origins: [https://x.test]
            destinations: [{name: w, platform: webhook, url: 'https://x'}, *s]
            """
        let bytes = Array(whole.utf8)
        for end in 0...bytes.count { _ = problems(String(decoding: bytes[..<end], as: UTF8.self)) }
        for place in bytes.indices {
            for byte in Array("{}[]:#&*!|>'\"%@`,?- \n\t\u{0}$".utf8) {
                var changed = bytes
                changed[place] = byte
                _ = problems(String(decoding: changed, as: UTF8.self))
            }
        }
        #expect(!problems(String(repeating: "[", count: 50_000)).isEmpty)
    }
}
