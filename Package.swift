// swift-tools-version: 6.2
import PackageDescription

// `scripts/check` and CI set this: a warning is then an error in every target of ours.
let strict = Context.environment["SLUICE_WARNINGS_AS_ERRORS"] == "1"

let settings: [SwiftSetting] =
    [
        .strictMemorySafety(), .enableUpcomingFeature("ExistentialAny"),
        // See docs/decisions/0006-exclusivity-is-checked-in-debug-builds.md.
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    ]
    + (strict ? [.treatAllWarnings(as: .error)] : [])

// `scripts/fuzz` sets this: what reads hostile bytes is then instrumented for libFuzzer.
let fuzzing = Context.environment["SLUICE_FUZZ"] == "1"
let fuzzSettings: [SwiftSetting] =
    fuzzing ? [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])] : []

let cSettings: [CSetting] = [
    .unsafeFlags(
        ["-Wall", "-Wextra", "-fvisibility=hidden"] + (strict ? ["-Werror"] : [])
            + (fuzzing ? ["-fsanitize=fuzzer-no-link"] : []))
]

/// A library of ours under Sources/.
func library(_ name: String, _ dependencies: [Target.Dependency], fuzzed: Bool = false) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(name)",
        swiftSettings: settings + (fuzzed ? fuzzSettings : []))
}

/// A libFuzzer program under Fuzz/.
func fuzzer(_ name: String, exclude: [String] = []) -> Target {
    .executableTarget(
        name: name, dependencies: ["CFuzzMain", "SluiceCore", "SluiceHTTP"], path: "Fuzz/\(name)",
        exclude: exclude, swiftSettings: settings + fuzzSettings,
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
}

let fuzzers: [Target] =
    fuzzing
    ? [
        .target(name: "CFuzzMain", path: "Fuzz/CFuzzMain"),
        fuzzer("FuzzHTTP", exclude: ["http.dict"]), fuzzer("FuzzJSON"), fuzzer("FuzzNative"),
        fuzzer("FuzzTopsort"), fuzzer("FuzzGowit", exclude: ["gowit.dict"]),
        fuzzer("FuzzKevel", exclude: ["kevel.dict"]), fuzzer("FuzzVtex", exclude: ["vtex.dict"]),
        fuzzer("FuzzImpact", exclude: ["impact.dict"]),
    ] : []

// `scripts/bench` sets this: the programs that measure parts of ours are then built, too.
let measuring = Context.environment["SLUICE_BENCHMARKS"] == "1"
// `scripts/test` sets this for its optimized build, which needs only the tests that count allocations
// and instructions, and what they test.
let counting = Context.environment["SLUICE_ALLOCATION_TESTS"] == "1"

/// A program under Benchmarks/.
func benchmark(_ name: String, path: String, exclude: [String]) -> Target {
    .executableTarget(
        name: name, dependencies: ["SluiceCore", "SluiceLog"], path: "Benchmarks/\(path)", exclude: exclude,
        swiftSettings: settings)
}

let benchmarks: [Target] =
    (measuring ? [benchmark("LogBenchmark", path: "log", exclude: ["sqlite"])] : [])
    + (measuring || counting ? [benchmark("CoreBenchmark", path: "core", exclude: ["simdjson"])] : [])
    + (counting ? [tests("CoreBenchmarkTests", ["CoreBenchmark"])] : [])

/// A C library of ours under CModules/.
func cModule(_ name: String) -> Target {
    .target(name: name, path: "CModules/\(name)", cSettings: cSettings)
}

/// The door to a C library of the system: a module map and typed shims under CModules/.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(
        name: name, path: "CModules/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// The tests of one library, in the mirrored folder under Tests/.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, resources: resources,
        swiftSettings: settings)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
// The C interface that GRDB itself uses.
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let leftOut: Set<String> =
    counting
    ? [
        "SluiceIOTests", "SluiceLogTests", "SluiceDeliveryTests", "SluiceSimulator", "SluiceSimulatorTests",
        "sluice", "EndToEndTests", "SluiceLoad", "sluice-load", "SluiceLoadTests",
    ] : []

let package = Package(
    name: "sluice",
    products: leftOut.isEmpty
        ? [
            .executable(name: "sluice", targets: ["sluice"]),
            .executable(name: "sluice-load", targets: ["sluice-load"]),
        ] : [],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: ([
        cModule("CByteScan"),
        cModule("CHTTPParser"),
        cModule("CLinuxIO"),
        system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        system("CISAL", pkgConfig: "libisal", apt: "libisal-dev"),
        system("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev"),
        system("CXXHash", pkgConfig: "libxxhash", apt: "libxxhash-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        library(
            "SluiceCore", ["CByteScan", "CISAL", "COpenSSL", "CXXHash", "CZlib", "CZstd"], fuzzed: true),
        library("SluiceHTTP", ["SluiceCore", "CHTTPParser"], fuzzed: true),
        library("SluiceIO", ["SluiceCore", "SluiceHTTP", "CLinuxIO"]),
        library("SluiceLog", ["SluiceCore", grdb, sqlite]),
        library("SluiceDelivery", ["SluiceCore", "SluiceIO", "CCurl"]),
        library(
            "SluiceServer",
            ["SluiceCore", "SluiceHTTP", "SluiceIO", "SluiceLog", "SluiceDelivery", logging, yams]),
        library("SluiceSimulator", ["SluiceCore", "SluiceHTTP", "SluiceIO", "SluiceLog", histogram]),
        .executableTarget(
            name: "sluice", dependencies: ["SluiceServer", "SluiceSimulator", argumentParser],
            path: "Sources/sluice", swiftSettings: settings),
        .target(
            name: "SluiceLoad", dependencies: ["SluiceCore", "SluiceIO", "SluiceLog", histogram],
            path: "Benchmarks/load/SluiceLoad", swiftSettings: settings),
        .executableTarget(
            name: "sluice-load", dependencies: ["SluiceLoad", "SluiceServer", argumentParser],
            path: "Benchmarks/load/sluice-load", swiftSettings: settings),
        tests("SluiceLoadTests", ["SluiceLoad", "SluiceServer", logging]),
        tests("SluiceCoreTests", ["SluiceCore", "CByteScan", "CAllocationCounter"]),
        .target(
            name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter", cSettings: cSettings),
        .target(name: "CSyncCounter", path: "Tests/Support/CSyncCounter", cSettings: cSettings),
        tests("SluiceHTTPTests", ["SluiceHTTP", "CAllocationCounter"]),
        tests("SluiceIOTests", ["SluiceIO"]),
        tests("SluiceLogTests", ["SluiceLog", "CSyncCounter", "CTornVFS", grdb]),
        .target(name: "CTornVFS", path: "Tests/Support/CTornVFS", cSettings: cSettings),
        tests("SluiceDeliveryTests", ["SluiceDelivery"]),
        tests("SluiceServerTests", ["SluiceServer", "SluiceHTTP", "CAllocationCounter"]),
        tests("SluiceSimulatorTests", ["SluiceSimulator"]),
        tests("EndToEndTests", ["SluiceServer", "SluiceSimulator", "sluice"], exclude: ["Fixtures"]),
    ] + fuzzers + benchmarks).filter { !leftOut.contains($0.name) },
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
