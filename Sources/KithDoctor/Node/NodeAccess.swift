// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithNode
import KithTransport
import NIOCore
import NIOHTTP1

/// Asks the running node on behalf of its owner.
struct NodeAccess: Sendable {
    let address: HTTPAddress
    private let token: Secret
    private let client: UpstreamClient

    init(_ file: ControlFile) {
        address = file.url
        token = file.token
        client = UpstreamClient(pin: file.fingerprint.flatMap(CertificatePin.init(fingerprint:)))
    }

    /// - Throws: ``ChatFailure``, also for a status other than 200; `CancellationError`.
    func get<Value: Decodable>(_ type: Value.Type, _ path: String, limit: Duration = .seconds(3)) async throws -> Value
    {
        let reply = try await client.collect(
            UpstreamRequest(
                .GET, address, path: path, headers: headers,
                limits: UpstreamLimits(connect: limit, firstByte: limit, stall: limit, bodyBytes: 4 << 20)))
        guard reply.status == 200 else {
            throw ChatFailure(.engineError, "the node answered \(path) with status \(reply.status)")
        }
        return try JSONBody.decode(type, from: reply.body.readableBytesView)
    }

    /// - Returns: The status, and the body as JSON if it is JSON.
    func post(
        _ path: String, _ body: JSONValue, headers more: HTTPHeaders = [:], limit: Duration
    ) async throws -> (status: Int, json: JSONValue?) {
        let reply = try await client.collect(
            UpstreamRequest(
                .POST, address, path: path, headers: HTTPHeaders(Array(headers) + Array(more)),
                body: ByteBuffer(bytes: try JSONBody.encode(body)),
                limits: UpstreamLimits(connect: .seconds(2), firstByte: limit, stall: limit, bodyBytes: 1 << 20)))
        return (reply.status, try? JSONBody.decode(JSONValue.self, from: reply.body.readableBytesView))
    }

    /// A role of the same node, which takes the same token.
    func diagnosis(of address: HTTPAddress, as service: SeedService, clock: any TimeSource) -> any Diagnosis {
        EndpointDiagnosis(
            address, expected: service, key: token, severity: .error, client: client, clock: clock,
            startIt: Finding.Fix(
                "the node runs without this role: the settings changed since its start, or its flags said otherwise; "
                    + "start it again", command: "kith up"))
    }

    private var headers: HTTPHeaders { ["Authorization": "Bearer \(token.reveal())"] }
}
