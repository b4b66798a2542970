// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// An answer, or its beginning, and where it comes from.
package struct RoutedAnswer: Sendable {
    package enum Body: Sendable {
        /// In the client's dialect already.
        case verbatim(VerbatimAnswer)
        case whole(WholeAnswer)
        /// The first token is there and the rest is coming.
        case stream(TokenStream)
    }

    package var body: Body
    package var model: ModelID
    package var route: RouteReport
}

/// No answer came from anywhere; carries what was tried.
package struct DispatchFailure: RoutedFailure, Sendable {
    package var failure: ChatFailure
    package var route: RouteReport

    package var routeHeader: String { route.headerValue }
}
