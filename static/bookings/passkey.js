// Passkeys: a browser that knows them shows the form; it asks the device and sends what it answers.
(() => {
  "use strict";
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  if (/^[\d.]+$|:/.test(location.hostname)) return; // browsers make none for an address of numbers

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const opened = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  // Only what was answered goes into the form: a device gives some parts and not others.
  const answered = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  };

  const ask = async (form) => {
    const given = await fetch(form.dataset.options, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (!given.ok) throw new Error("no options");
    const publicKey = (await given.json()).publicKey;
    publicKey.challenge = bytes(publicKey.challenge);
    if (form.dataset.passkey === "get") {
      publicKey.allowCredentials = opened(publicKey.allowCredentials);
      return navigator.credentials.get({ publicKey });
    }
    publicKey.user.id = bytes(publicKey.user.id);
    publicKey.excludeCredentials = opened(publicKey.excludeCredentials);
    return navigator.credentials.create({ publicKey });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[data-passkey-said]");
    const button = form.querySelector("button");
    form.hidden = false;
    document.querySelectorAll("[data-passkey-none]").forEach((line) => { line.hidden = true; });
    form.addEventListener("submit", async (event) => {
      const name = form.elements.namedItem("name");
      if (name && !name.value.trim()) return; // the page itself says what is missing
      event.preventDefault();
      said.textContent = "";
      button.disabled = true;
      try {
        form.elements.namedItem("credential").value = JSON.stringify(answered(await ask(form)));
        form.submit();
      } catch (error) {
        const words = { NotAllowedError: form.dataset.stopped, AbortError: form.dataset.stopped, InvalidStateError: form.dataset.known };
        said.textContent = words[error.name] || form.dataset.failed;
      } finally {
        button.disabled = false;
      }
    });
  }
})();
