// swift-tools-version: 6.2
import PackageDescription

// A package of its own: Sluice itself depends on none of this.
let package = Package(
    name: "hummingbird-service",
    products: [.executable(name: "HummingbirdService", targets: ["HummingbirdService"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "HummingbirdService",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
