// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects

extension ControlFailure {
    var status: HTTPResponse.Status {
        switch code {
        case .refusedCode: .forbidden
        case .expiredCode: .gone
        case .wrongNode, .unreachable, .incompatible: .badGateway
        case .tooManyAttempts: .tooManyRequests
        case .unknownPeer, .unknownKey, .notFound: .notFound
        case .ambiguousPeer, .conflict: .conflict
        case .busy: .serviceUnavailable
        case .malformedCode, .invalid: .unprocessableContent
        }
    }
}
