// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers
import Testing

@Suite("What is passed through, on its way to a kin")
struct KinPassageTests {
    @Test("Arrives as it was, with the model that was chosen")
    func roundTrip() throws {
        let body = Array("--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nauto\r\n--x--\n\n".utf8)
        let type = "multipart/form-data; boundary=x"
        var sent = PassThroughRequest(service: .transcriptions, contentType: type, body: body)
        sent.model = "whisper-1"
        let read = try KinPassage.decode(try KinPassage.encode(sent))
        #expect(read.id == sent.id)
        #expect(read.service == .transcriptions)
        #expect(read.model == "whisper-1")
        #expect(read.contentType == type)
        #expect(read.body == body)
        #expect(
            try read.body(naming: "whisper-1")
                == Array(String(decoding: body, as: UTF8.self).replacing("auto", with: "whisper-1").utf8))
    }

    @Test(
        "What is no such request is refused", arguments: ["", "{}", "{}\n", "x\n{}", #"{"service":"/chat"}"# + "\n{}"])
    func refused(text: String) {
        #expect(throws: (any Error).self) { try KinPassage.decode(Array(text.utf8)) }
    }
}
