// SPDX-License-Identifier: Apache-2.0

/// For work that is over before its task is.
enum Cancellation {
    /// Returns when the task is cancelled, at once if it has been.
    static func wait() async {
        let (never, _) = AsyncStream.makeStream(of: Never.self)
        for await _ in never {}
    }
}
