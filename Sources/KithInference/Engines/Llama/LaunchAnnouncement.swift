// SPDX-License-Identifier: Apache-2.0

import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Finds the line with which the launcher says where its server listens, wherever the pieces were cut.
struct LaunchAnnouncement: Sendable {
    private struct Line: Decodable { var address: String }

    private static let limit = 64 << 10

    private var pending: [UInt8] = []

    /// - Returns: The address, once. Only loopback counts: no line may send prompts elsewhere.
    mutating func feed(_ bytes: some Collection<UInt8>) -> HTTPAddress? {
        pending.append(contentsOf: bytes)
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Data(pending[..<end])
            pending.removeSubrange(...end)
            // Lines that are something else are none of ours.
            guard let text = (try? JSONDecoder().decode(Line.self, from: line))?.address,
                let address = HTTPAddress(text), address.host == "127.0.0.1"
            else { continue }
            pending = []
            return address
        }
        if pending.count > Self.limit { pending.removeFirst(pending.count - Self.limit) }
        return nil
    }
}
