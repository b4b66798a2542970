// SPDX-License-Identifier: Apache-2.0

import CQRencode
import KithCommand

/// QR codes by libqrencode.
enum QRCode {
    /// - Returns: `nil` for what does not fit into one.
    static func matrix(of text: String) -> QRMatrix? {
        guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1) else { return nil }
        defer { QRcode_free(code) }
        guard let size = Int(exactly: code.pointee.width), let modules = code.pointee.data else { return nil }
        // The lowest bit of a module's byte is its colour.
        return QRMatrix(size: size, isDark: (0..<size * size).map { modules[$0] & 1 == 1 })
    }
}
