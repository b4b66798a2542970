// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import KithAIOS
import KithAPI
import KithModel
import KithPeers
import KithServer
import KithSurfaceTesting
import KithTransport
import Logging
import NIOCore
import NIOHTTP1
import Testing

/// A node with the role *cell*, on a free port of this machine.
struct RunningCell: Sendable {
    let node: TestNode
    let address: HTTPAddress
    let service: CellService

    /// Runs a cell for as long as `body` does.
    ///
    /// - Parameter requiresKey: As on a listener that other machines reach.
    static func run<Result: Sendable>(
        engine: (any ChatEngine)? = nil, kin: [TestNode] = [], requiresKey: Bool = false,
        registry: RegistryService? = nil, engineLimit: Duration = .seconds(20),
        during body: @Sendable (RunningCell) async throws -> Result
    ) async throws -> Result {
        try await TestNode.run(
            "desk", engine: engine, kin: kin, access: { .with($0, requiresKey: requiresKey) },
            isCell: true, peerRoutes: { $0.cellRoutes() }
        ) { node in
            let service = service(of: node.services, id: node.id, engineLimit: engineLimit)
            let (ports, announce) = AsyncStream.makeStream(of: Int.self)
            let listener = CellServer.listener(
                cell: service, registry: registry, access: node.services.access,
                address: HTTPAddress(host: "127.0.0.1", port: 0), clock: node.services.clock,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            ) { channel in announce.yield(channel.localAddress?.port ?? 0) }
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await listener.run() }
                var iterator = ports.makeAsyncIterator()
                let port = try #require(await iterator.next())
                let cell = RunningCell(
                    node: node, address: HTTPAddress(host: "127.0.0.1", port: port), service: service)
                let result = try await body(cell)
                group.cancelAll()
                return result
            }
        }
    }

    private static func service(of services: NodeServices, id: NodeID, engineLimit: Duration) -> CellService {
        CellService(
            profile: .init(
                cellID: "desktop-primary", branch: "main", initialLevel: 3.2, node: id, name: services.name),
            state: services.state, dispatcher: services.dispatcher, clock: services.clock, engineLimit: engineLimit
        ) { id in services.mesh.peers().first { $0.id == id }?.name.rawValue }
    }

    func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], _ body: String? = nil
    ) async throws -> TestReply {
        let reply = try await node.upstream.collect(
            UpstreamRequest(
                method, address, path: path, headers: headers, body: body.map { ByteBuffer(string: $0) },
                limits: UpstreamLimits(firstByte: .seconds(40))))
        return TestReply(status: reply.status, headers: reply.headers, text: String(buffer: reply.body))
    }

    /// Asks and expects an answer that is the same JSON.
    func expect(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: String? = nil, status: Int = 200,
        _ answer: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let reply = try await send(method, path, headers: headers, body)
        let wanted = try JSONDecoder().decode(JSONValue.self, from: Data(answer.utf8))
        #expect(reply.status == status, "\(reply.text)", sourceLocation: sourceLocation)
        #expect(try reply.json() == wanted, sourceLocation: sourceLocation)
    }
}

extension NodeServices {
    /// What a node with the role of a cell answers to kin.
    func cellRoutes() -> [any PeerRouteGroup] {
        let cell = CellService(
            profile: CellService.Profile(
                cellID: name.rawValue, branch: "main", initialLevel: 1, node: mesh.ownID, name: name),
            state: state, dispatcher: dispatcher, clock: clock, nodeName: { _ in nil })
        return [CellPeerRoutes(cell: cell)]
    }
}
