// SPDX-License-Identifier: Apache-2.0

import KithModel

extension HTTPAddress {
    /// Whether the host is this machine, or one of its owner's network, as far as its name or address tells.
    var isNear: Bool {
        let name = host.lowercased()
        if name.contains(":") {
            return name == "::1" || ["fc", "fd", "fe8", "fe9", "fea", "feb"].contains(where: name.hasPrefix)
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { UInt8($0) }
        if numbers.count == 4, parts.count == 4 { return Self.isNear(numbers) }
        guard parts.count > 1 else { return true }
        return [".localhost", ".local", ".lan", ".internal", ".home", ".home.arpa", ".ts.net"]
            .contains(where: name.hasSuffix)
    }

    /// Loopback, RFC 1918, RFC 6598 as overlay networks use it, and the link's own.
    private static func isNear(_ address: [UInt8]) -> Bool {
        switch (address[0], address[1]) {
        case (127, _), (10, _), (172, 16...31), (192, 168), (100, 64...127), (169, 254): true
        default: false
        }
    }
}
