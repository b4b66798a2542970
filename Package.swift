// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

#if canImport(Glibc)
    import Glibc
#endif

/// Whether the C library of this machine reads packed relocations (DT_RELR), which glibc does from 2.36 on.
func readsPackedRelocations() -> Bool {
    #if canImport(Glibc)
        var text = [CChar](repeating: 0, count: 64)
        confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count - 1)
        let numbers = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split { !$0.isNumber }.compactMap { Int($0) }
        return numbers.count >= 2 && (numbers[0], numbers[1]) >= (2, 36)
    #else
        return false
    #endif
}

/// A fifth less resident memory of a node that does nothing; see docs/decisions/0014-hot-path-profile.md. A program need
/// not offer its hundred thousand symbols to libraries, and four megabytes of relocations pack into thirty kilobytes.
let linking = [
    LinkerSetting.unsafeFlags(
        ["-use-ld=lld", "-Xlinker", "--no-export-dynamic"]
            + (readsPackedRelocations() ? ["-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"] : []),
        .when(platforms: [.linux], configuration: .release))
]

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// What fuzzing reaches.
let watchedNames = ["FuzzDecoders", "KithModel", "KithDialects", "KithMembership", "KithSync", "KithTrust"]
let fuzzed: [Target.Dependency] = ["KithModel", "KithDialects", "KithMembership", "KithSync", "KithTrust"]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]

/// What a library with routes is made with.
let surface: [Target.Dependency] =
    [
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
    ]

/// What tests of a whole node in their process are made with.
let wholeNode: [Target.Dependency] =
    [
        "KithSurfaceTesting", "KithTesting", "KithServer", "KithModel", "KithDialects", "KithTransport", "KithTrust",
        "KithStore", "KithInference",
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "SystemPackage", package: "swift-system"),
    ] + surface

let package = Package(
    name: "kith",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .target(
            name: "KithModel",
            dependencies: [.product(name: "OrderedCollections", package: "swift-collections")],
            swiftSettings: settings),
        .target(
            name: "KithFiles",
            dependencies: ["KithModel", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: settings),
        .target(name: "KithDialects", dependencies: ["KithModel"], swiftSettings: settings),
        .target(
            name: "KithMetrics",
            dependencies: ["KithModel", .product(name: "CoreMetrics", package: "swift-metrics")],
            swiftSettings: settings),
        .target(
            name: "KithStore",
            dependencies: [
                "KithModel", "KithFiles",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "KithTransport",
            dependencies: [
                "KithModel",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ] + nio,
            swiftSettings: settings
        ),
        .target(name: "CDNSSD"),
        .systemLibrary(
            name: "CQRencode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"]), .brew(["qrencode"])]),
        .target(
            name: "KithTrust",
            dependencies: [
                "KithModel", "KithFiles",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "KithMembership",
            dependencies: ["KithModel", "CDNSSD"],
            swiftSettings: settings
        ),
        .target(name: "KithSync", dependencies: ["KithModel", "KithDialects"], swiftSettings: settings),
        .target(name: "KithAssist", dependencies: ["KithModel"], swiftSettings: settings),
        .target(name: "KithCulture", dependencies: ["KithModel"], swiftSettings: settings),
        .target(name: "KithAlerts", dependencies: ["KithModel"], swiftSettings: settings),
        .target(
            name: "KithVault",
            dependencies: [
                "KithModel", "KithDialects", "KithTransport", .product(name: "Logging", package: "swift-log"),
            ] + nio,
            swiftSettings: settings),
        .target(
            name: "KithTracing",
            dependencies: [
                "KithModel", "KithTransport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ] + nio,
            swiftSettings: settings),
        .target(
            name: "KithInference",
            dependencies: [
                "KithModel", "KithFiles", "KithDialects", "KithTransport", "KithTracing",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ] + nio,
            resources: [
                .embedInCode("Engines/Llama/launcher.py"), .embedInCode("Engines/Llama/guard.sh"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "KithServer",
            dependencies: [
                "KithModel", "KithDialects", "KithMetrics", "KithTransport", "KithTrust", "KithStore",
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ] + surface,
            swiftSettings: settings
        ),
        .target(
            name: "KithPeers",
            dependencies: [
                "KithServer", "KithModel", "KithDialects", "KithTransport", "KithTrust", "KithStore", "KithMembership",
                "KithSync", "KithInference", "KithCulture", "KithTracing",
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
            ] + surface,
            swiftSettings: settings
        ),
        .target(name: "KithPage", exclude: ["Page"], swiftSettings: settings, plugins: ["BundlePage"]),
        .target(name: "RawLiteral", swiftSettings: settings),
        .executableTarget(name: "PageBundler", dependencies: ["RawLiteral"], swiftSettings: settings),
        .plugin(name: "BundlePage", capability: .buildTool(), dependencies: ["PageBundler"]),
        .executableTarget(name: "TextEmbedder", dependencies: ["RawLiteral"], swiftSettings: settings),
        .plugin(name: "EmbedText", capability: .buildTool(), dependencies: ["TextEmbedder"]),
        .target(
            name: "KithAPI",
            dependencies: [
                "KithPage", "KithServer", "KithPeers", "KithModel", "KithDialects", "KithMetrics", "KithTrust",
                "KithStore",
                "KithSync", "KithInference", "KithCulture", "KithTracing", "KithAlerts",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ] + surface,
            exclude: ["Status/openapi.yaml"],
            swiftSettings: settings,
            plugins: ["EmbedText"]
        ),
        .target(
            name: "KithAIOS",
            dependencies: [
                "KithServer", "KithPeers", "KithModel", "KithDialects", "KithMetrics", "KithTransport", "KithTrust",
                "KithStore", "KithMembership", "KithInference", "KithAssist", "KithVault",
            ] + surface,
            swiftSettings: settings
        ),
        .target(
            name: "KithNode",
            dependencies: [
                "KithModel", "KithFiles", "KithDialects", "KithMetrics", "KithTransport", "KithInference", "KithStore",
                "KithMembership", "KithTrust", "KithServer", "KithPeers", "KithAPI", "KithAIOS", "KithSync",
                "KithVault", "KithCulture", "KithTracing", "KithAlerts",
                "Yams",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "KithDoctor",
            dependencies: [
                "KithModel", "KithDialects", "KithTransport", "KithTrust", "KithMembership", "KithInference",
                "KithStore", "KithPeers", "KithVault", "KithNode",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ] + nio,
            swiftSettings: settings),
        .target(
            name: "KithCommand",
            dependencies: [
                "KithModel", "KithDialects", "KithTrust", "KithInference", "KithAlerts", "KithNode", "KithDoctor",
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "kith",
            dependencies: [
                "KithModel", "KithFiles", "KithMetrics", "KithNode", "KithCommand", "KithDialects", "KithTransport",
                "KithInference", "KithDoctor", "KithAlerts", "KithTrust", "CQRencode",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + nio,
            swiftSettings: settings,
            linkerSettings: linking),
        .target(
            name: "KithTesting",
            dependencies: ["KithModel", "KithMembership", .product(name: "NIOEmbedded", package: "swift-nio")] + nio,
            swiftSettings: settings),
        .target(
            name: "KithSurfaceTesting",
            dependencies: [
                "KithTesting", "KithServer", "KithPeers", "KithAPI", "KithModel", "KithDialects", "KithTransport",
                "KithTrust", "KithStore", "KithMembership", "KithSync", "KithInference", "KithTracing",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "X509", package: "swift-certificates"),
            ] + surface,
            swiftSettings: settings),
        .testTarget(name: "KithModelTests", dependencies: ["KithModel", "KithTesting"], swiftSettings: settings),
        .testTarget(
            name: "KithFilesTests",
            dependencies: [
                "KithFiles", "KithModel", "KithTesting", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KithSyncTests", dependencies: ["KithModel", "KithSync", "KithTesting"], swiftSettings: settings),
        .testTarget(
            name: "KithCultureTests", dependencies: ["KithCulture", "KithDialects", "KithModel", "KithTesting"],
            resources: [.embedInCode("Shared/insights.jsonl")],
            swiftSettings: settings),
        .testTarget(
            name: "KithAlertsTests", dependencies: ["KithAlerts", "KithModel", "KithTesting"], swiftSettings: settings),
        .testTarget(
            name: "KithAssistTests", dependencies: ["KithAssist", "KithModel", "KithTesting"], swiftSettings: settings),
        .testTarget(
            name: "KithVaultTests",
            dependencies: [
                "KithVault", "KithModel", "KithDialects", "KithTransport", "KithTesting",
                .product(name: "Logging", package: "swift-log"),
            ] + nio,
            swiftSettings: settings),
        .testTarget(
            name: "KithDoctorTests",
            dependencies: [
                "KithDoctor", "KithDialects", "KithPeers", "KithMembership", "KithModel", "KithStore", "KithVault",
                "KithTesting",
                .product(name: "SystemPackage", package: "swift-system"),
            ] + nio,
            swiftSettings: settings),
        .testTarget(
            name: "KithStoreTests",
            dependencies: ["KithModel", "KithStore", "KithTesting", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings
        ),
        .testTarget(
            name: "KithDialectsTests", dependencies: ["KithDialects", "KithModel", "KithTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "KithMetricsTests",
            dependencies: [
                "KithMetrics", "KithModel", "KithTesting", .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KithTracingTests",
            dependencies: [
                "KithTracing", "KithModel", "KithTesting",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KithInferenceTests",
            dependencies: [
                "KithInference", "KithDialects", "KithModel", "KithTesting", "KithTracing", "KithTransport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
            ] + nio,
            swiftSettings: settings
        ),
        .testTarget(
            name: "KithTransportTests",
            dependencies: [
                "KithModel", "KithTesting", "KithTransport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ] + nio,
            swiftSettings: settings),
        .testTarget(
            name: "KithServerTests",
            dependencies: [
                "KithServer", "KithModel", "KithDialects", "KithStore", "KithTrust", "KithTesting",
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ] + surface,
            swiftSettings: settings),
        .testTarget(
            name: "KithPeersTests",
            dependencies: ["KithPeers", "KithAPI", "KithAIOS", "KithSync", "KithMembership"] + wholeNode,
            swiftSettings: settings),
        .testTarget(
            name: "KithAPITests",
            dependencies: ["KithAPI", "KithPage", "KithAlerts", "KithPeers", "KithSync", "KithCulture"] + wholeNode,
            swiftSettings: settings),
        .testTarget(
            name: "KithAIOSTests",
            dependencies: ["KithAIOS", "KithAPI", "KithPeers", "KithSync", "KithMembership", "KithVault"] + wholeNode,
            swiftSettings: settings),
        .testTarget(
            name: "KithMembershipTests", dependencies: ["KithMembership", "KithModel", "KithTesting", "CDNSSD"],
            swiftSettings: settings),
        .testTarget(
            name: "KithTrustTests",
            dependencies: [
                "KithTrust", "KithModel", "KithTesting",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "X509", package: "swift-certificates"),
            ] + nio,
            swiftSettings: settings),
        .testTarget(
            name: "KithNodeTests",
            dependencies: [
                "KithNode", "KithAIOS", "KithAlerts", "KithAPI", "KithDialects", "KithModel", "KithMembership",
                "KithInference", "KithServer", "KithStore",
                "KithSync", "KithTesting", "KithTransport", "KithTrust",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KithCommandTests",
            dependencies: [
                "KithCommand", "KithDialects", "KithDoctor", "KithModel", "KithNode", "KithMembership", "KithTrust",
                "KithTesting",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(name: "FuzzDecoders", dependencies: fuzzed, path: "Fuzz/Decoders", swiftSettings: settings),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzDecoders", "KithTesting"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

// Coverage-guided fuzzing, for scripts/fuzz: the variable holds the path of libFuzzer without a main function.
if let library = Context.environment["KITH_FUZZ"] {
    let watched = settings + [.unsafeFlags(["-sanitize=fuzzer,address"])]
    for target in package.targets where watchedNames.contains(target.name) { target.swiftSettings = watched }
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Fuzz/CFuzzer"),
        .executableTarget(
            name: "kith-fuzz", dependencies: ["CFuzzer", "FuzzDecoders"], path: "Fuzz/Driver", swiftSettings: watched,
            linkerSettings: [
                .unsafeFlags(["-sanitize=address", "-Xlinker", library, "-lstdc++"], .when(platforms: [.linux]))
            ]),
    ]
}

// A node works without the services of AIOS: scripts/check-without-aios builds and asks one.
if Context.environment["KITH_WITHOUT_AIOS"] != nil {
    package.targets.removeAll { $0.name.hasPrefix("KithAIOS") }
    for target in package.targets {
        target.dependencies.removeAll { if case .byNameItem("KithAIOS", _) = $0 { true } else { false } }
    }
}
