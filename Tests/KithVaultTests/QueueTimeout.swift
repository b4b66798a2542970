// SPDX-License-Identifier: Apache-2.0

/// Waits for what other tasks do.
enum QueueWait {
    struct Exhausted: Error, CustomStringConvertible {
        var description: String
    }

    static func wait(_ what: String, until isSo: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(20)
        while try await !isSo() {
            guard clock.now < deadline else { throw Exhausted(description: "waited too long for \(what)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
