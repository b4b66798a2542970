// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import KithModel
import NIOCore

extension Response {
    /// An engine's own answer, whose pieces go on as they come.
    ///
    /// - Parameter route: The value of `x-kith-route`; nothing is said without one.
    package init(passing answer: PassThroughAnswer, route: String? = nil) {
        self.init(
            status: .ok, headers: [.contentType: answer.contentType, .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                for try await piece in answer.body { try await writer.write(ByteBuffer(bytes: piece)) }
                try await writer.finish(nil)
            })
        headers.setRoute(route)
    }
}
