// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
import KithModel

extension HTTPFields {
    /// A day, in nanoseconds.
    private static let longestWait: Int64 = 86_400_000_000_000

    /// When to ask again: `Retry-After` in whole seconds, rounded up, and in milliseconds for clients that read those.
    static func retry(after wait: Duration) -> HTTPFields {
        let nanoseconds = wait.clampedNanoseconds.held(to: 1...longestWait)
        let milliseconds = (nanoseconds + 999_999) / 1_000_000
        return [
            .retryAfter: String((milliseconds + 999) / 1_000), .retryAfterMilliseconds: String(milliseconds),
        ]
    }

    /// With the time to wait in both forms, if the status is a temporary one.
    package func sayingWhen(_ status: HTTPResponse.Status) -> HTTPFields {
        guard status == .serviceUnavailable || status == .tooManyRequests else { return self }
        guard self[.retryAfterMilliseconds] == nil else { return self }
        var fields = self
        let seconds = self[.retryAfter].flatMap { Int64($0) } ?? 1
        for field in HTTPFields.retry(after: .seconds(seconds.held(to: 1...86_400))) {
            fields[field.name] = field.value
        }
        return fields
    }
}

extension Int64 {
    fileprivate func held(to range: ClosedRange<Int64>) -> Int64 {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}

extension HTTPField.Name {
    static let retryAfterMilliseconds = Self.known("retry-after-ms")
}
