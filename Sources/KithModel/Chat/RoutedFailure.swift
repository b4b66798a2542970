// SPDX-License-Identifier: Apache-2.0

/// A failure of which it is known why the request went where it went.
package protocol RoutedFailure: Error {
    var failure: ChatFailure { get }
    /// The value of `x-kith-route`; empty when there is nothing to say.
    var routeHeader: String { get }
}
