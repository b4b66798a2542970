// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// Speaks to a node on behalf of a command, in the command's terms of success and failure.
struct NodeClient: Sendable {
    let address: HTTPAddress
    private let upstream = UpstreamClient()

    init(address: HTTPAddress) { self.address = address }

    /// - Throws: ``CommandFailure``; `CancellationError`.
    func get<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
        let reply = try await translating {
            try await upstream.collect(
                UpstreamRequest(.GET, address, path: path, limits: UpstreamLimits(stall: .seconds(10))))
        }
        let body = Array(reply.body.readableBytesView)
        guard reply.status == 200 else { throw refusal(reply.status, body) }
        do {
            return try JSONBody.decode(type, from: body)
        } catch {
            throw CommandFailure(.failed, "what answers at \(address) is not a node of this version")
        }
    }

    /// Sends a request and gives back the head of the answer, whose status is 200.
    ///
    /// - Throws: ``CommandFailure``; `CancellationError`.
    func stream(
        _ path: String, body: [UInt8], headers: HTTPHeaders, limits: UpstreamLimits
    ) async throws -> UpstreamResponse {
        try await translating {
            let response = try await upstream.stream(
                UpstreamRequest(
                    .POST, address, path: path, headers: headers, body: ByteBuffer(bytes: body), limits: limits))
            guard response.status == 200 else {
                let body = try await response.body.collect(upTo: 65_536)
                throw refusal(response.status, Array(body.readableBytesView))
            }
            return response
        }
    }

    /// The status of an answer, whatever it is, and the reason its body gives.
    func probe(_ path: String) async throws -> (status: Int, reason: String) {
        let reply = try await upstream.collect(
            UpstreamRequest(
                .GET, address, path: path,
                limits: UpstreamLimits(
                    connect: .seconds(1), firstByte: .seconds(3), stall: .seconds(3), bodyBytes: 65_536)))
        return (
            reply.status, RefusalBody.message(status: reply.status, body: Array(reply.body.readableBytesView))
        )
    }

    private func refusal(_ status: Int, _ body: [UInt8]) -> CommandFailure {
        CommandFailure(.notAnswered, RefusalBody.message(status: status, body: body))
    }

    private func translating<Value>(_ operation: () async throws -> Value) async throws -> Value {
        do {
            return try await operation()
        } catch let failure as ChatFailure {
            switch failure.code {
            case .unreachable:
                throw CommandFailure(
                    .nodeUnreachable, "no node answers at \(address); start one with: \(startCommand)")
            case .timeout: throw CommandFailure(.nodeUnreachable, failure.message)
            default: throw CommandFailure(.notAnswered, failure.message)
            }
        }
    }

    private var startCommand: String { address.port == 8080 ? "kith up" : "kith up --port \(address.port)" }
}
