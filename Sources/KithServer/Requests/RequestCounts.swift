// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import KithDialects
import NIOCore
import Synchronization

/// How many requests a listener has answered, by route and by outcome.
package final class RequestCounts: Sendable {
    package init() {}

    package enum Outcome: String, Sendable {
        case ok
        /// The client's fault: 4xx.
        case refused
        /// This node's fault: 5xx.
        case failed
        /// The client had gone.
        case abandoned

        init(_ status: HTTPResponse.Status) {
            self =
                switch status.code {
                case 500...: .failed
                case 400...: .refused
                default: .ok
                }
        }
    }

    package struct Key: Hashable, Comparable, Sendable {
        /// A route's own path, never the path that a client sent: of these there are few.
        package var route: String
        package var outcome: Outcome

        package static func < (left: Key, right: Key) -> Bool {
            (left.route, left.outcome.rawValue) < (right.route, right.outcome.rawValue)
        }
    }

    private let counts = Mutex<[Key: Int]>([:])

    /// - Parameter route: `nil`, or a word of the framework's, where no route was found.
    func add(_ outcome: Outcome, on route: String?) {
        let route = route.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "other"
        counts.withLock { $0[Key(route: route, outcome: outcome), default: 0] += 1 }
    }

    package var all: [(key: Key, count: Int)] {
        counts.withLock { counts in counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// - Parameter role: Whose listener it is.
    package func family(role: String) -> MetricFamily {
        MetricFamily(
            "kith_requests_total", .counter, "Requests that were answered, by route and outcome.",
            all.map { key, count in
                .init(Double(count), ["role": role, "route": key.route, "outcome": key.outcome.rawValue])
            })
    }
}

/// Counts the requests of a listener; belongs outside of the middleware that turns errors into answers.
package struct RequestCounting: RouterMiddleware {
    package typealias Context = NodeRequestContext

    package let counts: RequestCounts

    package init(counts: RequestCounts) { self.counts = counts }

    package func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            let response = try await next(request, context)
            counts.add(.init(response.status), on: context.endpointPath)
            return response
        } catch {
            counts.add(.abandoned, on: context.endpointPath)
            throw error
        }
    }
}

extension Response {
    package static func metrics(_ families: [MetricFamily]) -> Response {
        let body = ByteBuffer(string: PrometheusText.text(of: families))
        return Response(
            status: .ok,
            headers: [.contentType: PrometheusText.contentType, .contentLength: String(body.readableBytes)],
            body: ResponseBody(byteBuffer: body))
    }
}
