// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The suggestions of `config/peers.txt`, read again when the file changes.
///
/// The file is checked every two seconds, and again a quarter of a second after it looked different: a change is used
/// within three seconds. A file that cannot be read, or no longer can, is a problem, and what it said last stays in use.
/// A missing file says nothing.
package struct PeersFileDiscovery: Discovery {
    static let interval = Duration.seconds(2)
    /// Until a file that looks different is checked again.
    static let settling = Duration.milliseconds(250)

    private let file: WatchedFile
    private let clock: any TimeSource
    private let onRead: @Sendable (PeersFile) -> Void

    /// - Parameters:
    ///   - path: Absolute.
    ///   - onRead: Given all that the file says, plain services too, at the start and whenever it changes.
    package init(
        path: String, clock: any TimeSource = MonotonicClock(),
        onRead: @escaping @Sendable (PeersFile) -> Void = { _ in }
    ) {
        file = WatchedFile(path: path, limit: PeersFile.maximumBytes + 1)
        self.clock = clock
        self.onRead = onRead
    }

    package var source: DiscoverySource { .file }

    package func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async {
        var watch = FileWatch()
        var contents = PeersFile()
        var isFirst = true
        while !Task.isCancelled {
            switch step(&watch, &contents) {
            case .nothing: if isFirst { report(DiscoveryReport()) }
            case .complain(let why): report(self.report(contents, unreadable: why))
            case .read, .forget:
                report(self.report(contents, unreadable: nil))
                onRead(contents)
            }
            isFirst = false
            let isSettled = watch.isSettled
            do { try await clock.sleep(forAbout: isSettled ? Self.interval : Self.settling) } catch {
                return
            }
        }
    }

    private func step(_ watch: inout FileWatch, _ contents: inout PeersFile) -> FileWatch.Action {
        let action = watch.next(file.look())
        switch action {
        case .nothing, .complain: return action
        case .forget:
            contents = PeersFile()
            return action
        case .read:
            let bytes = file.read()
            switch bytes {
            case .failure(let why): return watch.didRead(after: file.look(), failure: why.words)
            case .success(let bytes):
                let outcome = watch.didRead(after: file.look(), failure: nil)
                if outcome == .read { contents = PeersFile(bytes: bytes) }
                return outcome
            }
        }
    }

    private func report(_ contents: PeersFile, unreadable: String?) -> DiscoveryReport {
        let why = unreadable.map { "\(file.path) cannot be read (\($0)); what it said before stays in use" }
        return DiscoveryReport(
            suggestions: contents.suggestions,
            problems: [why].compactMap { $0 } + contents.problems.map { "\(file.path), \($0)" })
    }
}

/// The suggestions of `PEER_ENDPOINTS`, which do not change while the node runs.
package struct EnvironmentDiscovery: Discovery {
    private let list: PeersFile

    package init(_ list: PeersFile) { self.list = list }

    package var source: DiscoverySource { .environment }

    package func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async {
        report(
            DiscoveryReport(
                suggestions: list.suggestions, problems: list.problems.map { "PEER_ENDPOINTS, \($0)" }))
        await Cancellation.wait()
    }
}
