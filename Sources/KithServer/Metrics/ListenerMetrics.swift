// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
package import KithMetrics
import NIOCore

/// What a listener with a role tells monitors at `/metrics`.
package struct ListenerMetrics: Sendable {
    package let registry: MetricRegistry
    /// `nil` where nothing is counted while requests are answered.
    package let meter: RequestMeter?

    /// - Parameters:
    ///   - role: Whose listener it is.
    ///   - counts: Whether anything is counted while requests are answered; what can be looked up when it is asked for is told in
    ///     any case.
    package init(role: String, registry: MetricRegistry = MetricRegistry(), counts: Bool) {
        self.registry = registry
        meter = counts ? RequestMeter(role: role, in: registry) : nil
    }

    /// Counts the requests of a listener, if they are to be counted; to be called before any other middleware is added but
    /// those that answer for other sites.
    package func meter(_ router: SurfaceRouter) {
        if let meter { router.add(middleware: RequestMetering(meter: meter)) }
    }

    /// - Parameter others: Looked up now, and told too.
    package func response(to request: Request, with others: [MetricFamily] = []) async -> Response {
        let format = MetricsText(accept: request.headers[values: .accept].joined(separator: ","))
        let families = MetricRegistry.merged(await registry.families() + others)
        let body = ByteBuffer(string: format.text(of: families))
        return Response(
            status: .ok,
            headers: [
                .contentType: format.contentType, .contentLength: String(body.readableBytes), .vary: "Accept",
            ],
            body: ResponseBody(byteBuffer: body))
    }
}
