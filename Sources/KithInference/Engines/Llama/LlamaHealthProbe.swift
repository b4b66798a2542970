// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
import NIOHTTP1

/// Asks a server whether it could answer a prompt.
package protocol LlamaHealthChecking: Sendable {
    /// Returns within two seconds, also when the server hangs.
    func isHealthy(_ address: HTTPAddress) async -> Bool
}

/// Asks llama.cpp's `/health`, which answers 503 while the model is loading.
package struct LlamaHealthProbe: LlamaHealthChecking {
    static let limits = UpstreamLimits(
        connect: .seconds(1), firstByte: .milliseconds(1_500), stall: .milliseconds(500), bodyBytes: 64 << 10)

    private let client: UpstreamClient

    package init(client: UpstreamClient) { self.client = client }

    package func isHealthy(_ address: HTTPAddress) async -> Bool {
        do {
            let root = HTTPAddress(scheme: address.scheme, host: address.host, port: address.port)
            return try await client.collect(UpstreamRequest(.GET, root, path: "/health", limits: Self.limits))
                .status == 200
        } catch {
            return false
        }
    }
}
