// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Where a connection leads; connections to the same place are interchangeable.
struct UpstreamOrigin: Hashable, Sendable, CustomStringConvertible {
    var scheme: HTTPAddress.Scheme
    var host: String
    var port: Int

    init(_ address: HTTPAddress) {
        scheme = address.scheme
        host = address.host
        port = address.port
    }

    var description: String { HTTPAddress(scheme: scheme, host: host, port: port).description }
}
