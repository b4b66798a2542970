// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import KithModel
import KithServer

/// The fields that nodes say to each other beside their messages.
extension HTTPField.Name {
    static let kithTimeLeft = Self.known(PeerWire.timeLeftHeader)
    static let kithEngineTime = Self.known(PeerWire.engineTimeHeader)
}

extension HTTPFields {
    /// When the kin that asks gives up.
    ///
    /// - Throws: ``ChatFailure`` for what is no such time.
    package func kinDeadline(now: @autoclosure () -> Moment) throws -> Moment? {
        guard let text = self[.kithTimeLeft] else { return nil }
        guard let limit = TimeLimit.milliseconds(text) else {
            throw ChatFailure(.malformedRequest, "'\(PeerWire.timeLeftHeader)' must be a number of milliseconds")
        }
        return now() + limit
    }
}
