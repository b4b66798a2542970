// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import KithDialects
import KithMembership
package import KithModel
import KithServer
import KithTransport
import NIOCore
import NIOHTTP1

/// Looks at the kin of a node on behalf of its owner.
package struct PeerObserver: Sendable {
    /// For all that one kin says of a trace.
    private static let traceLimit = Duration.seconds(2)
    private static let traceBytes = 1 << 20
    /// Longer than a kin that is there is ever silent.
    private static let logSilence = Duration.seconds(40)

    private let mesh: PeerMesh

    package init(mesh: PeerMesh) { self.mesh = mesh }

    /// What kin know of a request or a trace.
    package struct Findings: Sendable {
        package var told: [(node: String, spans: [SpanSnapshot])] = []
        package var missing: [TraceMessage.Missing] = []
    }

    /// Asks all kin that are there, side by side.
    ///
    /// - Parameter involved: Kin that must know something, by name: they are named as missing when they are not there.
    package func spans(of id: KithModel.RequestID, involving involved: Set<String>) async -> Findings {
        let kin = mesh.directory.peers().filter { $0.tier == .kin }
        var findings = Findings()
        await withTaskGroup(of: (String, Result<[SpanSnapshot], any Error>).self) { group in
            for peer in kin {
                guard let node = peer.id else { continue }
                let name = peer.name.rawValue
                guard peer.state == .up || involved.contains(name) else { continue }
                group.addTask {
                    do {
                        return (name, .success(try await spans(of: id, at: node)))
                    } catch {
                        return (name, .failure(error))
                    }
                }
            }
            for await (name, result) in group {
                switch result {
                case .success(let spans): if !spans.isEmpty { findings.told.append((name, spans)) }
                case .failure(let error): findings.missing.append(.init(node: name, reason: Self.words(error)))
                }
            }
        }
        let known = Set(kin.map(\.name.rawValue))
        for name in involved.subtracting(known) {
            findings.missing.append(.init(node: name, reason: "it is no kin any more"))
        }
        findings.told.sort { $0.node < $1.node }
        findings.missing.sort { $0.node < $1.node }
        return findings
    }

    private func spans(of id: KithModel.RequestID, at node: NodeID) async throws -> [SpanSnapshot] {
        let link = try await link(to: node)
        let limits = UpstreamLimits(within: Self.traceLimit, bodyBytes: Self.traceBytes)
        let reply = try await link.ask(
            link.request(.GET, PeerWire.tracePath + "/" + PathSegment.escaped(id.rawValue), limits: limits))
        guard reply.status == 200 else {
            throw ChatError(
                .unsupported, reply.status == 404 ? "its version keeps no traces" : "status \(reply.status)")
        }
        return try JSONBody.decode(TraceMessage.Told.self, from: reply.body.readableBytesView).spans
    }

    /// The log of a kin, as it tells it; its signs of life keep the connection open.
    ///
    /// - Parameters:
    ///   - peer: An id, its first group, or a name.
    ///   - mayStill: Whether the one who asked may read on; asked before each piece.
    /// - Throws: `ControlError`.
    package func logs(
        of peer: String, _ query: LogQuery, mayStill: @escaping @Sendable () -> Bool
    ) async throws -> Response {
        let body = try await answer(of: peer, to: query)
        guard !query.follows else {
            return .eventStream { writer in
                for try await piece in body {
                    guard mayStill() else { break }
                    try await writer.write(piece)
                }
                try await writer.finish(nil)
            }
        }
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody { writer in
                for try await piece in body { try await writer.write(piece) }
                try await writer.finish(nil)
            })
    }

    private func answer(of peer: String, to query: LogQuery) async throws -> UpstreamBody {
        let record = try mesh.find(peer)
        guard record.tier == .kin else {
            throw ControlError(.invalid, "\(peer.prefix(80)) is kith, somebody else's node: its log is not yours")
        }
        do {
            let link = try await link(to: record.id)
            let response = try await link.connection.stream(
                link.request(
                    .GET, PeerWire.logsPath + "?" + query.text, limits: UpstreamLimits(silence: Self.logSilence)))
            guard response.status == 200 else {
                throw ControlError(
                    .unreachable,
                    response.status == 404
                        ? "its version of kith does not show its log" : "it answered with status \(response.status)")
            }
            return response.body
        } catch let failure as LinkError {
            throw ControlError(.unreachable, "\(peer.prefix(80)) cannot be reached: \(failure)")
        } catch let failure as ChatError {
            throw ControlError(.unreachable, "\(peer.prefix(80)) does not answer: \(failure.message)")
        }
    }

    private func link(to node: NodeID) async throws -> PeerLink {
        try await mesh.links.link(to: node, at: mesh.membership.addresses(of: node))
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let failure as ChatError: failure.message
        case let failure as LinkError: "\(failure)"
        default: "it does not answer as a kith node does"
        }
    }
}
