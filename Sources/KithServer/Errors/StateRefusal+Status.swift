// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel

extension StateRefusal {
    var status: HTTPResponse.Status {
        switch code {
        case .invalid: .unprocessableContent
        case .limitReached, .diskFull: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        case .unavailable, .closed: .serviceUnavailable
        }
    }
}
