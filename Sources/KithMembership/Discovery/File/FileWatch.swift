// SPDX-License-Identifier: Apache-2.0

/// When a file that is looked at regularly should be read, and what is used meanwhile. A pure value.
///
/// A change is used once the file has looked the same twice, so that a file being written is not read by halves; a file
/// that is being replaced may be away for one look. What cannot be read leaves what was read before in use.
struct FileWatch: Sendable {
    enum Action: Hashable, Sendable {
        case nothing
        case read
        /// The file is gone, and with it what it said.
        case forget
        /// In words why the file cannot be read.
        case complain(String)
    }

    private enum Used: Hashable {
        case nothing
        case absent
        case contents(WatchedFile.Signature)
    }

    private var used = Used.nothing
    private var lastLook: WatchedFile.Look?
    private var complaint: String?
    /// Whether the file looked as it did the time before.
    private(set) var isSettled = true

    /// - Parameter look: What the file looks like now.
    mutating func next(_ look: WatchedFile.Look) -> Action {
        let isFirst = lastLook == nil
        isSettled = isFirst || lastLook == look
        lastLook = look
        switch look {
        case .hidden(let why): return complain(why)
        case .absent:
            guard isSettled, used != .absent || complaint != nil else { return .nothing }
            used = .absent
            complaint = nil
            return .forget
        case .there(let signature):
            guard isSettled, used != .contents(signature) else { return .nothing }
            return .read
        }
    }

    /// What became of ``Action/read``.
    ///
    /// - Parameters:
    ///   - after: What the file looked like when it had been read.
    ///   - failure: Why it could not be read.
    /// - Returns: `.read` when what was read is to be used.
    mutating func didRead(after: WatchedFile.Look, failure: String?) -> Action {
        if let failure { return complain(failure) }
        guard after == lastLook, case .there(let signature) = after else {
            lastLook = after
            isSettled = false
            return .nothing
        }
        used = .contents(signature)
        complaint = nil
        return .read
    }

    private mutating func complain(_ why: String) -> Action {
        // Forgotten, so that the file is read as soon as that is allowed again, even if it has not changed.
        if case .contents = used { used = .nothing }
        guard complaint != why else { return .nothing }
        complaint = why
        return .complain(why)
    }
}
