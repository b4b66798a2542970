// SPDX-License-Identifier: Apache-2.0

/// The header `tracestate` (W3C Trace Context, 3.3): what other tracing systems want passed on. Kith adds nothing of its
/// own.
package enum TraceState {
    /// Bytes that are passed on; the standard wants at least so many.
    package static let byteLimit = 512
    private static let entryLimit = 32
    /// Entries longer than this go first when there are too many bytes.
    private static let longEntry = 128

    /// One value for several fields.
    ///
    /// - Returns: `nil` when an entry is not valid, a key comes twice or there are too many: nothing of it is to be trusted
    ///   then.
    package static func joined(_ values: [String]) -> String? {
        guard values.reduce(0, { $0 + $1.utf8.count }) <= 8 * byteLimit else { return nil }
        var entries: [Substring] = []
        var keys: Set<Substring> = []
        for value in values {
            for piece in value.split(separator: ",") {
                let entry = piece.trimmingBlanks
                if entry.isEmpty { continue }
                guard let sign = entry.firstIndex(of: "="), isKey(entry[..<sign]),
                    isValue(entry[entry.index(after: sign)...]), keys.insert(entry[..<sign]).inserted,
                    entries.count < entryLimit
                else { return nil }
                entries.append(entry)
            }
        }
        return shortened(entries).joined(separator: ",")
    }

    private static func shortened(_ entries: [Substring]) -> [Substring] {
        func length(_ entries: [Substring]) -> Int { entries.reduce(-1) { $0 + $1.utf8.count + 1 } }
        var entries = entries
        while length(entries) > byteLimit, let place = entries.lastIndex(where: { $0.utf8.count > longEntry }) {
            entries.remove(at: place)
        }
        while length(entries) > byteLimit { entries.removeLast() }
        return entries
    }

    /// `name`, or `tenant@system`.
    private static func isKey(_ key: Substring) -> Bool {
        func isPart(_ part: Substring.UTF8View.SubSequence, _ limit: Int, mayBeginWithDigit: Bool) -> Bool {
            guard let first = part.first, part.count <= limit else { return false }
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
            return (isLetter || mayBeginWithDigit && isDigit)
                && part.allSatisfy {
                    switch $0 {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"):
                        true
                    default: false
                    }
                }
        }
        let parts = key.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isPart(parts[0], 256, mayBeginWithDigit: true)
        case 2: return isPart(parts[0], 241, mayBeginWithDigit: true) && isPart(parts[1], 14, mayBeginWithDigit: false)
        default: return false
        }
    }

    /// Printable ASCII but for the signs that separate entries, not ending in a blank.
    private static func isValue(_ value: Substring) -> Bool {
        guard (1...256).contains(value.utf8.count), value.utf8.last != UInt8(ascii: " ") else { return false }
        return value.utf8.allSatisfy {
            (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=")
        }
    }
}

extension Substring {
    /// Without blanks and tabs at both ends.
    fileprivate var trimmingBlanks: Substring {
        func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
        let rest = drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return "" }
        return rest[...last]
    }
}
