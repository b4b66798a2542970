// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import KithAPI
import KithAlerts
import KithCulture
import KithInference
import KithModel
import KithPeers
import KithServer
import KithSurfaceTesting
import KithSync
import Logging
import Testing

/// What is documented and what is there, held against each other. Who may use it is tried on a real node, in
/// `Tests/EndToEnd/test_access.py`.
@Suite(.timeLimit(.minutes(2))) struct DocumentedRoutesTests {
    /// Alerts of which nothing is known.
    private struct NoAlerts: AlertBoard {
        let firing = FiringAlerts()
        func report() async -> AlertReport { AlertReport() }
        func silence(_ wish: AlertSilenceWish) async throws(StateRefusal) -> AlertSilence {
            throw StateRefusal(.closed, "")
        }
        func unsilence(_ id: String) async throws(StateRefusal) -> AlertSilence? { nil }
    }

    private static let document = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../docs/openapi.yaml").standardizedFileURL

    /// The paths in the document, but for those of another listener, with what stands for a name left out.
    private func documented() throws -> Set<String> {
        let lines = try String(contentsOf: Self.document, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let all = lines.drop { $0 != "paths:" }.dropFirst().prefix { $0.isEmpty || $0.hasPrefix(" ") }
        var paths: [String] = []
        var others: Set<String> = []
        for line in all {
            if line.hasPrefix("  /"), line.hasSuffix(":") { paths.append(String(line.dropFirst(2).dropLast())) }
            if line.hasPrefix("    servers:"), let path = paths.last { others.insert(path) }
        }
        return Set(paths.filter { !others.contains($0) }.map(Self.pattern))
    }

    private static func pattern(_ path: String) -> String {
        let parts = path.split(separator: "/").map { part in
            part.hasPrefix(":") || part.hasPrefix("{") || part.hasPrefix("*") ? "*" : part
        }
        return "/" + parts.joined(separator: "/")
    }

    /// A node with all that a node can have.
    private func services(of node: TestNode) throws -> NodeServices {
        var services = node.services
        services.alerts = NoAlerts()
        let state = try #require(node.services.state as? SharedStateStore)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let culture = StoredCulture(store: services.store, state: state, node: node.id, logger: logger)
        let memory = StoredPrivateMemory(store: services.store, state: state)
        let wall = PrivacyGuard(memory: memory)
        let mind = DispatcherCompanionEngine(dispatcher: services.dispatcher, clock: services.clock)
        let activity = UserActivity(threshold: .seconds(480), clock: services.clock)
        let service = CompanionService(
            mind: mind, peers: MeshCompanions(mesh: node.mesh, upstream: node.upstream), keeper: culture, wall: wall,
            journal: SynthLog(logger: logger) { _ in }, activity: activity, clock: services.clock, node: node.id,
            way: .thompson, budget: ExchangeBudget(limits: .init(), now: .now()))
        services.company = CompanionFeature(
            culture: culture, service: service,
            host: CompanionHost(
                mind: mind, keeper: culture, wall: wall, activity: activity, clock: services.clock, limits: .init()),
            activity: activity, memory: memory, offersCulture: false)
        return services
    }

    @Test func `every route is in the document, and every path of the document is a route`() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let router = NodeServer.router(
                services: try services(of: node), listening: ListeningAddress(node.address))
            var served = Set(router.routes.map { Self.pattern($0.path.description) })
            // Each path of OpenAI's dialect is there without its version too.
            let unversioned = served.filter { served.contains("/v1" + $0) }
            served.subtract(unversioned)
            let documented = try documented()
            #expect(documented.count > 80)
            #expect(served.subtracting(documented).sorted() == [], "not in docs/openapi.yaml")
            #expect(documented.subtracting(served).sorted() == [], "in docs/openapi.yaml only")
        }
    }
}
