// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import KithDialects
import NIOCore

extension Response {
    package static func metrics(_ families: [MetricFamily]) -> Response {
        let body = ByteBuffer(string: PrometheusText.text(of: families))
        return Response(
            status: .ok,
            headers: [.contentType: PrometheusText.contentType, .contentLength: String(body.readableBytes)],
            body: ResponseBody(byteBuffer: body))
    }
}
