// SPDX-License-Identifier: Apache-2.0
import { ask } from '../../core/api.js';
import { notify, openDialog } from '../../core/dialog.js';
import { button, el, fill, svg } from '../../core/dom.js';
import { live } from '../../core/live.js';
import { mesh } from '../../core/mesh.js';

const LIFE = 600;

/// A one-time code, as text and as a QR code, for the machine that is to be paired.
export function inviteDialog() {
  let timer;
  const ends = [];
  const { body, close } = openDialog('Invite a machine', { onClose: () => {
    clearInterval(timer);
    for (const end of ends) end();
  } });
  const known = new Set(mesh.peers.keys());
  const trouble = el('p', { class: 'trouble', role: 'alert' });
  const show = async (tier) => {
    trouble.textContent = '';
    clearInterval(timer);
    try {
      showCode(await ask('POST', '/api/invitations', { tier, expires_seconds: LIFE, with_qr_code: true }));
    } catch (error) {
      trouble.textContent = error.message;
    }
  };
  const choose = () => fill(body, el('p', 'Whose machine is it?'),
    el('div', { class: 'choices' },
      button([el('strong', 'Mine'), el('span', 'It answers for me, and shares my work: kin.')], () => show('kin'), { class: 'choice' }),
      button([el('strong', 'A friend’s'), el('span', 'It gets abstract conversation and nothing of mine: kith.')], () => show('kith'), { class: 'choice' })),
    trouble);
  const showCode = ({ code, words, tier, expires_seconds: life, qr_code: qr, addresses = [] }) => {
    const left = el('p', { class: 'hint', role: 'timer' });
    const until = Date.now() + life * 1000;
    const tick = () => {
      const seconds = Math.max(0, Math.round((until - Date.now()) / 1000));
      left.textContent = seconds > 0 ? `Good once, for ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} more.` : 'This code has expired.';
    };
    tick();
    timer = setInterval(tick, 1000);
    const isStranded = addresses.length > 0 && addresses.every((address) => /^(127\.|\[::1\]|localhost:)/.test(address));
    fill(body, el('p', 'On the other machine, run ', el('code', 'kith join'), ' and paste this code, or enter it on its page:'),
      isStranded && el('p', { class: 'trouble', role: 'alert' }, 'No other machine can use this code: this node listens on this machine only. Start it with kith up --lan, then make a new one.'),
      el('div', { class: 'code-line' }, el('code', { class: 'pairing-code' }, code),
        button('Copy', () => navigator.clipboard?.writeText(code).then(() => notify('Copied.')))),
      words && el('p', 'Or, in the same network, these six words: ', el('strong', { class: 'pairing-words' }, words)),
      qr && qrCode(qr), left, el('p', { class: 'hint' }, tier === 'kin' ? 'Whoever uses it becomes kin and can read what your machines share. Keep it to yourself.' : 'Whoever uses it becomes kith.'),
      el('div', { class: 'actions' }, button('Another kind', choose), button('Done', close, { class: 'primary' })));
  };
  choose();
  ends.push(mesh.watch(() => {
    for (const [key, peer] of mesh.peers) {
      if (known.has(key)) continue;
      close();
      notify(`${peer.name} is paired.`);
      return;
    }
  }));
  ends.push(live.on('pairing', () => mesh.read().catch(() => {})));
}

/// Rows of `0` and `1`, as the node gives them; drawn here, dark on light in both schemes, as readers of such codes want it.
function qrCode(rows) {
  const size = rows.length + 8;
  let path = '';
  rows.forEach((row, y) => {
    for (const run of row.matchAll(/1+/g)) path += `M${run.index + 4} ${y + 4}h${run[0].length}v1h-${run[0].length}z`;
  });
  return svg('svg', { class: 'qr', viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': 'The code as a QR code', 'shape-rendering': 'crispEdges' },
    svg('rect', { width: size, height: size, fill: '#fff' }), svg('path', { d: path, fill: '#000' }));
}

/// Pairs this node with the one that made a code.
export function joinDialog(other) {
  const { body, close } = openDialog(other ? `Pair with ${other}` : 'Enter a code');
  const trouble = el('p', { class: 'trouble', role: 'alert' });
  const code = el('textarea', { id: 'join-code', rows: 3, required: true, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off' });
  const submit = el('button', { type: 'submit', class: 'primary' }, 'Pair');
  body.append(el('form', { on: { submit: async (event) => {
    event.preventDefault();
    trouble.textContent = '';
    submit.disabled = true;
    submit.textContent = 'Pairing…';
    try {
      const peer = await ask('POST', '/api/join', { code: code.value.trim().replace(/^kith\s+join\s+/, '') });
      close();
      notify(`Paired with ${peer.name}.`);
      await mesh.read();
    } catch (error) {
      trouble.textContent = error.message;
      submit.disabled = false;
      submit.textContent = 'Pair';
    }
  } } },
    el('p', other ? `On ${other}, run ` : 'On the other machine, run ', el('code', 'kith invite'), ', or press “Invite a machine” on its page.'),
    el('label', { for: code.id }, 'The code, or its six words'), code, trouble,
    el('div', { class: 'actions' }, button('Cancel', close), submit)));
  code.focus();
}
