// SPDX-License-Identifier: Apache-2.0

import KithCommand

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The end of a node's log, for the message that says why it did not start.
enum LogTail {
    static func lines(_ path: String, count: Int) -> [String] {
        // A log that cannot be read adds nothing to the message.
        guard let data = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe) else { return [] }
        let text = String(decoding: data.suffix(16_384), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).suffix(count).map {
            String($0).printable.truncated(toWidth: 400)
        }
    }
}
