// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1
import NIOHTTP2

extension ExchangeMachine.Fault {
    init(_ error: any Error) {
        switch error {
        // An end in the middle of a chunk is reported as a parser error: the server died, it did not speak wrongly.
        case let error as HTTPParserError where error == .invalidEOFState: self = .broken
        case is HTTPParserError, is NIOHTTPDecoderError: self = .malformed
        case let error as NIOHTTP2Errors.StreamClosed where error.errorCode == .refusedStream: self = .untouched
        case _ where UpstreamTLS.isRefusal(error): self = .untrusted
        default: self = .broken
        }
    }
}

extension ChatFailure {
    init(_ failure: ExchangeMachine.Failure, at origin: UpstreamOrigin, cause: (any Error)?) {
        switch failure {
        case .fault(.malformed): self.init(.invalidAnswer, "\(origin) does not answer in HTTP", cause: cause)
        case .fault(.untrusted): self.init(.unreachable, "the TLS handshake with \(origin) failed", cause: cause)
        case .fault(.unsendable):
            self.init(.invalidRequest, "the request has a path or a header that HTTP cannot carry", cause: cause)
        case .fault(.untouched): self.init(.unreachable, "\(origin) takes no more requests here", cause: cause)
        case .fault(.broken), .cut:
            self.init(.interrupted, "the connection to \(origin) ended before the answer did", cause: cause)
        case .unanswered:
            self.init(
                .interrupted,
                "the connection to \(origin) ended before an answer began; the request was not sent again, as it may have "
                    + "been read", cause: cause)
        case .timeout(.write): self.init(.timeout, "\(origin) stopped reading the request")
        case .timeout(.piece): self.init(.timeout, "\(origin) stopped in the middle of its answer")
        case .timeout(.firstByte), .timeout(.rest): self.init(.timeout, "\(origin) did not begin to answer in time")
        }
    }
}
