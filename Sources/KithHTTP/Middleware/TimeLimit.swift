// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithModel

/// How long the one who asks waits for the whole answer.
enum TimeLimit {
    /// Seconds.
    static let range = 0.001...86_400

    /// Seconds as clients write them: digits, and decimals after a point.
    static func seconds(_ text: String) -> Duration? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let isNumber = parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(digits.contains) }
        guard text.utf8.count <= 20, parts.count <= 2, isNumber, let seconds = Double(text), range.contains(seconds)
        else { return nil }
        return .seconds(seconds)
    }

    /// Whole milliseconds as nodes write them.
    static func milliseconds(_ text: String) -> Duration? {
        let most = Int(range.upperBound * 1_000)
        guard let count = Int(text), (1...most).contains(count) else { return nil }
        return .milliseconds(count)
    }

    /// What the reading above reads, rounded up: at least one, so that whoever is asked can say that it is late.
    static func milliseconds(_ left: Duration) -> String {
        String(Int(max(1, min(left.milliseconds.rounded(.up), range.upperBound * 1_000))))
    }
}

extension HTTPFields {
    /// When the client gives up, from `x-kith-timeout`; `nil` when it does not say.
    ///
    /// - Throws: ``ChatFailure`` for what is no such time.
    func deadline(now: @autoclosure () -> Moment) throws -> Moment? {
        guard let text = self[.kithTimeout] else { return nil }
        guard let limit = TimeLimit.seconds(text) else {
            throw ChatFailure(
                .malformedRequest, "'x-kith-timeout' must be a number of seconds from 0.001 to 86400",
                field: "x-kith-timeout")
        }
        return now() + limit
    }

    /// When the kin that asks gives up.
    ///
    /// - Throws: ``ChatFailure`` for what is no such time.
    func kinDeadline(now: @autoclosure () -> Moment) throws -> Moment? {
        guard let text = self[.kithTimeLeft] else { return nil }
        guard let limit = TimeLimit.milliseconds(text) else {
            throw ChatFailure(.malformedRequest, "'\(PeerWire.timeLeftHeader)' must be a number of milliseconds")
        }
        return now() + limit
    }
}

extension HTTPField.Name {
    static let kithTimeout = Self.known("x-kith-timeout")
    static let kithTimeLeft = Self.known(PeerWire.timeLeftHeader)
    static let kithEngineTime = Self.known(PeerWire.engineTimeHeader)
}
