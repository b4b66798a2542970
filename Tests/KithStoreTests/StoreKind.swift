// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore

/// The two places where a store can be; most tests hold for both.
enum StoreKind: CaseIterable, Sendable {
    case memory, file

    func withStore(
        limits: StoreLimits = .standard, _ body: @Sendable (Store) async throws -> Void
    ) async throws {
        switch self {
        case .memory: try await body(try Store.inMemory(limits: limits))
        case .file:
            let folder = try TemporaryFolder()
            let store = try Store(path: folder.path(), limits: limits)
            try await body(store)
            try await store.close()
        }
    }
}

extension WallTime {
    /// An arbitrary time at which tests begin.
    static let start = WallTime(milliseconds: 1_700_000_000_000)

    static func + (time: WallTime, duration: Duration) -> WallTime { time.advanced(by: duration) }
}

extension SessionID {
    init(test name: String) { self = SessionID(name) ?? .random() }
}

extension Store {
    /// Keeps a completed exchange.
    func exchange(_ session: SessionID, _ user: String, _ assistant: String, at time: WallTime = .start) async throws {
        try await appendExchange(session: session, user: user, assistant: assistant, outcome: .completed, at: time)
    }

    func texts(_ session: SessionID, limit: Int = 2_000) async throws -> [String] {
        try await history(session: session, limit: limit).map(\.text)
    }
}

extension NodeID {
    /// The id whose digest is `byte` 32 times.
    init(test byte: UInt8) {
        guard let id = NodeID(digest: [UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("32 bytes make an id")
        }
        self = id
    }
}
