// SPDX-License-Identifier: Apache-2.0

/// Which bracket closes which.
struct Brackets: Sendable {
    enum Problem: Sendable {
        /// Token that nothing closes.
        case open(Int)
        /// Token that closes nothing.
        case stray(Int)
        /// Token that closes a bracket of another kind.
        case mismatch(opener: Int, closer: Int)
    }

    /// The partner of each bracket, by token.
    private(set) var partners: [Int: Int] = [:]
    private(set) var problem: Problem?

    private static let closers = ["(": ")", "[": "]", "{": "}"]

    init(_ tokens: [CodeToken]) {
        var open: [Int] = []
        for (index, token) in tokens.enumerated() where token.kind == .symbol {
            switch token.text {
            case "(", "[", "{": open.append(index)
            case ")", "]", "}":
                guard let opener = open.popLast() else {
                    problem = .stray(index)
                    return
                }
                guard Self.closers[tokens[opener].text] == token.text else {
                    problem = .mismatch(opener: opener, closer: index)
                    return
                }
                partners[opener] = index
                partners[index] = opener
            default: break
            }
        }
        problem = open.last.map { .open($0) }
    }
}
