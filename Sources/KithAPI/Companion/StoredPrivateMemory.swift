// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithStore
import Synchronization

/// What this node's user has said and was told: conversations, feedback, the context, and code that was asked about.
///
/// Nothing is kept a second time for it: the store is searched when something is about to leave, which is while the
/// user is away. Only of code, which is not stored, the runs of words are remembered for as long as the node runs.
package final class StoredPrivateMemory: PrivateMemory {
    /// Runs of code that are remembered; then the older half is forgotten.
    private static let codeLimit = 100_000

    private struct Code: Sendable {
        var young = WordRuns()
        var old = WordRuns()
    }

    private let store: Store
    private let state: any SharedState
    private let code = Mutex(Code())

    package init(store: Store, state: any SharedState) {
        self.store = store
        self.state = state
    }

    /// Code that passed through this node.
    package func noteCode(_ text: String) {
        let runs = WordRuns(text)
        code.withLock { code in
            if code.young.hashes.count > Self.codeLimit / 2 {
                code.old = code.young
                code.young = WordRuns()
            }
            code.young.formUnion(runs)
        }
    }

    package func holds(_ runs: WordRuns) async throws -> Bool {
        let isCode = code.withLock { code in
            !runs.hashes.isDisjoint(with: code.young.hashes) || !runs.hashes.isDisjoint(with: code.old.hashes)
        }
        if isCode { return true }
        for entry in state.context() {
            if runs.meet(entry.key) { return true }
            for value in entry.values where value.value.texts.contains(where: runs.meet) { return true }
        }
        let found = Found()
        try await store.eachTurn { text in
            let meets = runs.meet(text)
            if meets { found.isFound.withLock { $0 = true } }
            return !meets
        }
        return found.isFound.withLock { $0 }
    }
}

private final class Found: Sendable {
    let isFound = Mutex(false)
}

extension JSONValue {
    /// Every text in it, names of fields among them.
    fileprivate var texts: [String] {
        switch self {
        case .string(let text): [text]
        case .array(let values): values.flatMap(\.texts)
        case .object(let fields): fields.flatMap { [$0.key] + $0.value.texts }
        case .null, .bool, .integer, .number, .numeral: []
        }
    }
}
