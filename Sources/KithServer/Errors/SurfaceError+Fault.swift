// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import KithStore
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension SurfaceError {
    /// An error that no route describes in words of its own.
    struct Fault: Sendable {
        /// Is in the log and in the answer, so that a reader of one finds the other.
        let reference: String
        let type: String
        let description: String

        init(_ error: any Error, reference: UInt32) {
            var bits = ByteWriter()
            bits.append(uint32: reference)
            self.reference = bits.bytes.hexadecimal
            type = String(reflecting: Swift.type(of: error))
            description = String("\(error)".prefix(1_000))
        }
    }

    /// Says what went wrong where that is known; otherwise the log says it, under a reference that the answer holds.
    init(fault error: any Error, reference: UInt32 = .random(in: 0 ... .max)) {
        switch error {
        case let error as StoreError: self.init(error, reference: reference)
        case let error as IOError where error.errnoCode == ENOSPC || error.errnoCode == EDQUOT:
            self.init(status: HTTPResponse.Status.insufficientStorage, message: Self.noRoom)
        case is ChannelError, is IOError:
            self.init(status: .badRequest, message: "the connection ended in the middle of the request")
        case is NIOTooManyBytesError: self.init(status: .contentTooLarge, message: "the body is too long")
        case is EncodingError:
            self.init(
                status: .internalServerError, message: "the answer holds a number that JSON cannot, such as NaN",
                fault: Fault(error, reference: reference))
        default:
            self.init(
                status: .internalServerError, message: "this node failed", fault: Fault(error, reference: reference))
        }
    }

    private init(_ error: StoreError, reference: UInt32) {
        switch error.code {
        case .full: self.init(status: HTTPResponse.Status.insufficientStorage, message: Self.noRoom)
        case .busy:
            self.init(status: .serviceUnavailable, message: error.message, headers: .retry(after: .seconds(1)))
        case .closed, .cancelled:
            self.init(
                status: .serviceUnavailable, message: "this node is stopping", headers: .retry(after: .seconds(5)))
        case .limitReached: self.init(status: HTTPResponse.Status.insufficientStorage, message: error.message)
        case .unknownSession: self.init(status: .notFound, message: error.message)
        case .newerDatabase, .foreignDatabase, .damaged, .inaccessible, .refused, .failed:
            self.init(
                status: .internalServerError, message: error.message, fault: Fault(error, reference: reference))
        }
    }

    private init(status: HTTPResponse.Status, message: String, fault: Fault) {
        self.init(
            status: status, message: message + "; its log says why under the reference \(fault.reference)")
        self.fault = fault
    }

    private static let noRoom = "the disk of this node is full; make room on it and ask again"
}
