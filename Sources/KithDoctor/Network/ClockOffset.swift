// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How far another machine's clock is from this one's, as far as one answer of it tells.
struct ClockOffset: Hashable, Sendable {
    /// Beyond this, which is more than a header in whole seconds and a slow answer explain, somebody should be told.
    static let noticeable = Duration.seconds(2)
    /// Beyond this, what is written on the clock ahead waits on other nodes until its time has come.
    static let quarantined = Duration.seconds(300)

    /// Positive when the other clock is ahead.
    var offset: Duration
    /// By how much the estimate may be wrong, in both directions.
    var error: Duration

    /// - Parameters:
    ///   - date: What the other side said, in whole seconds.
    ///   - askedAt: This machine's clock at the request.
    ///   - took: From the request to the answer.
    init(date: WallTime, askedAt: WallTime, took: Duration) {
        let middle = askedAt.advanced(by: took / 2)
        offset = date.advanced(by: .milliseconds(500)).duration(since: middle)
        error = .milliseconds(500) + took / 2
    }

    init?(_ sighting: HTTPSighting) {
        guard let date = sighting.date else { return nil }
        self.init(date: date, askedAt: sighting.askedAt, took: sighting.took)
    }

    private var distance: Duration { offset < .zero ? .zero - offset : offset }

    var severity: Finding.Severity {
        if distance - error > Self.quarantined { return .error }
        return distance - error > Self.noticeable ? .warning : .ok
    }

    /// - Parameter who: `laptop`.
    func finding(of who: String, subject: String) -> Finding {
        let amount = Self.words(distance)
        switch severity {
        case .ok, .skipped, .notice:
            return Finding(.clock, "clock", .ok, "the clocks of both machines agree", of: subject)
        case .warning, .error:
            let direction = offset < .zero ? "behind" : "ahead of"
            let effect =
                severity == .error ? "; what it writes is held back by other nodes until its time has come" : ""
            return Finding(
                .clock, "clock", severity, "the clock of \(who) is \(amount) \(direction) this machine's" + effect,
                fix: Finding.Fix(
                    "let both machines set their clocks by the network; the command shows whether one does",
                    command: "timedatectl"),
                of: subject)
        }
    }

    private static func words(_ distance: Duration) -> String {
        let seconds = distance.components.seconds
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7_200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3_600) h"
        default: return "\(seconds / 86_400) days"
        }
    }
}
