// SPDX-License-Identifier: Apache-2.0

/// A key of the terminal, as far as `kith top` knows it.
package enum TopKey: Hashable, Sendable {
    case quit, help, pause, sort, next, previous, up, down, pageUp, pageDown, first, last
    /// One that means nothing here.
    case other
    case view(TopControls.View)

    /// The keys in what a terminal sent at once (ECMA-48; xterm's control sequences).
    package static func keys(in bytes: some Sequence<UInt8>) -> [TopKey] {
        var keys: [TopKey] = []
        var rest = Array(bytes)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x1B else {
                keys.append(plain[byte] ?? .other)
                continue
            }
            guard let second = rest.first, second == UInt8(ascii: "[") || second == UInt8(ascii: "O") else {
                if rest.isEmpty { keys.append(.quit) }  // the Escape key alone
                continue
            }
            rest.removeFirst()
            let sequence = rest.prefix { !(0x40...0x7E).contains($0) }
            rest = rest.dropFirst(sequence.count)
            guard let last = rest.popFirst() else { break }
            keys.append(sequences[String(decoding: sequence + [last], as: UTF8.self)] ?? .other)
        }
        return keys
    }

    private static let plain: [UInt8: TopKey] = [
        UInt8(ascii: "q"): .quit, UInt8(ascii: "Q"): .quit, 0x03: .quit, 0x04: .quit,
        UInt8(ascii: "?"): .help, UInt8(ascii: "h"): .help, UInt8(ascii: "p"): .pause, UInt8(ascii: " "): .pause,
        UInt8(ascii: "s"): .sort, 0x09: .next, UInt8(ascii: "k"): .up, UInt8(ascii: "j"): .down,
        UInt8(ascii: "g"): .first, UInt8(ascii: "G"): .last, UInt8(ascii: "0"): .view(.all),
        UInt8(ascii: "1"): .view(.machines), UInt8(ascii: "2"): .view(.models), UInt8(ascii: "3"): .view(.requests),
    ]
    private static let sequences: [String: TopKey] = [
        "A": .up, "B": .down, "5~": .pageUp, "6~": .pageDown, "H": .first, "F": .last, "1~": .first, "4~": .last,
        "Z": .previous,
    ]
}

/// What the one who looks at `kith top` has chosen.
package struct TopControls: Hashable, Sendable {
    package enum View: Int, CaseIterable, Hashable, Sendable { case all, machines, models, requests }

    /// What machines and models are ordered by, the most first; requests always by time.
    package enum Order: String, CaseIterable, Hashable, Sendable { case name, load, speed }

    package private(set) var view = View.all
    package private(set) var order = Order.name
    /// The first row that is shown where one section has the screen.
    package private(set) var offset = 0
    package private(set) var isPaused = false
    package private(set) var showsHelp = false

    package init() {}

    /// - Parameter page: The rows that the screen has for a section.
    /// - Returns: Whether to end.
    package mutating func take(_ key: TopKey, page: Int) -> Bool {
        if showsHelp {
            showsHelp = false
            return false
        }
        switch key {
        case .quit: return true
        case .help: showsHelp = true
        case .pause: isPaused.toggle()
        case .sort: order = Self.after(order, by: 1)
        case .next: show(Self.after(view, by: 1))
        case .previous: show(Self.after(view, by: -1))
        case .view(let view): show(view)
        case .up: offset = max(0, offset - 1)
        case .down: offset += 1
        case .pageUp: offset = max(0, offset - max(1, page))
        case .pageDown: offset += max(1, page)
        case .first: offset = 0
        case .last: offset = .max / 2
        case .other: break
        }
        return false
    }

    /// Holds the first row to what there is.
    package mutating func hold(rows: Int, page: Int) { offset = min(offset, max(0, rows - page)) }

    private mutating func show(_ view: View) {
        self.view = view
        offset = 0
    }

    private static func after<Choice: CaseIterable & Equatable>(_ choice: Choice, by steps: Int) -> Choice
    where Choice.AllCases == [Choice] {
        let all = Choice.allCases
        let index = all.firstIndex(of: choice) ?? 0
        return all[(index + steps + all.count) % all.count]
    }
}
