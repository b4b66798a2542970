// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Keeps what is written as an answer's body.
package final class WrittenBody: ResponseBodyWriter, Sendable {
    private let state = Mutex((text: "", isFinished: false))

    package init() {}

    package var text: String { state.withLock { $0.text } }
    package var isFinished: Bool { state.withLock { $0.isFinished } }

    func write(_ buffer: ByteBuffer) async throws { state.withLock { $0.text += String(buffer: buffer) } }

    func finish(_ trailingHeaders: HTTPFields?) async throws { state.withLock { $0.isFinished = true } }
}
