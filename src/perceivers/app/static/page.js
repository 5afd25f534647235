// What the page does beside htmx: files are dropped, seen and heard before they are sent; sounds are recorded; code is copied.
// Without this file the form works all the same.
"use strict";

(() => {
  const ADDRESSES = new WeakMap();

  document.addEventListener("change", (event) => {
    if (event.target.matches(".file input[type=file]")) show(event.target.closest(".file"));
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches(".remove")) clear(button.closest(".file"), true);
    if (button.matches(".record")) record(button);
    if (button.matches(".copy")) copy(button);
  });

  // An example that is cleared is no example any more.
  document.addEventListener("reset", (event) => {
    event.preventDefault();
    const form = event.target;
    for (const hidden of form.querySelectorAll("input[type=hidden]")) hidden.remove();
    for (const file of form.querySelectorAll(".file")) clear(file, false);
    for (const each of form.querySelectorAll("input:not([type=file]), textarea, select")) each.value = "";
    form.querySelector("input, textarea, select")?.focus();
  });

  for (const [name, isOver] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(name, (event) => {
      const file = event.target.closest?.(".file");
      if (!file || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      file.classList.toggle("over", isOver);
      if (name === "drop" && event.dataTransfer.files.length) give(file, event.dataTransfer.files[0]);
    });
  }
  // A file that is dropped beside a field would otherwise replace the page.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => event.preventDefault());

  // A body that the server would refuse is not sent at all.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target.closest("form");
    if (!form) return;
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    if (bytes <= Number(document.body.dataset.mostBytes)) {
      // A text is shown while it is written.
      if (form.dataset.pieces) {
        event.preventDefault();
        write(form);
      }
      return;
    }
    event.preventDefault();
    say(`The files have ${(bytes / 2 ** 20).toFixed(0)} MiB together, and ${document.body.dataset.mostMebibytes} MiB are taken. Choose smaller ones.`);
  });

  document.addEventListener("htmx:sendError", () => say("The server cannot be reached. Is it still running?"));

  document.addEventListener("htmx:afterSwap", (event) => {
    prepare(document);
    const answer = document.getElementById("answer");
    if (event.target.id === "answer" && answer.getBoundingClientRect().top > window.innerHeight * 0.7) {
      answer.scrollIntoView({ block: "start" });
    }
    // Whoever has chosen an example goes on from the answer.
    if (event.target.id === "answer" && event.detail.requestConfig?.verb === "get") answer.focus({ preventScroll: false });
  });

  function prepare(root) {
    const records = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder && window.AudioContext);
    for (const button of root.querySelectorAll(".record")) button.hidden = !records;
  }

  function give(file, given) {
    const transfer = new DataTransfer();
    transfer.items.add(given);
    const input = file.querySelector("input[type=file]");
    input.files = transfer.files;
    show(file);
  }

  function show(file) {
    const given = file.querySelector("input[type=file]").files[0];
    if (!given) return clear(file, false);
    const preview = file.querySelector(".preview");
    const address = URL.createObjectURL(given);
    forget(preview);
    ADDRESSES.set(preview, address);
    const tag = { picture: "img", sound: "audio", film: "video" }[file.dataset.player];
    const shown = document.createElement(tag ?? "p");
    if (tag) {
      shown.src = address;
      if (tag === "img") shown.alt = given.name;
      else shown.controls = true;
      // Not everything that the model reads can be shown by the browser.
      shown.addEventListener("error", () => shown.remove());
    } else {
      shown.className = "hint";
      shown.textContent = given.name;
    }
    preview.replaceChildren(shown);
    file.querySelector(".remove").hidden = false;
  }

  function clear(file, focuses) {
    const input = file.querySelector("input[type=file]");
    const preview = file.querySelector(".preview");
    input.value = "";
    forget(preview);
    preview.replaceChildren();
    file.querySelector(".remove").hidden = true;
    if (focuses) input.focus();
  }

  function forget(preview) {
    if (ADDRESSES.has(preview)) URL.revokeObjectURL(ADDRESSES.get(preview));
    ADDRESSES.delete(preview);
  }

  async function record(button) {
    if (button.recorder) return button.recorder.stop();
    const file = button.closest(".file");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      return say("The browser gives no microphone: allow it, or choose a file.");
    }
    const recorder = new MediaRecorder(stream);
    const parts = [];
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", async () => {
      for (const track of stream.getTracks()) track.stop();
      button.recorder = null;
      button.classList.remove("on");
      button.textContent = "Record";
      const context = new AudioContext();
      const sound = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
      context.close();
      give(file, new File([waveFile(sound)], "recording.wav", { type: "audio/wav" }));
    });
    recorder.start();
    button.recorder = recorder;
    button.classList.add("on");
    button.textContent = "Stop";
  }

  // 16 bits, the mean of the channels.
  function waveFile(sound) {
    const count = sound.length;
    const view = new DataView(new ArrayBuffer(44 + 2 * count));
    const words = (at, text) => [...text].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
    words(0, "RIFF");
    view.setUint32(4, 36 + 2 * count, true);
    words(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, 1, true);
    view.setUint32(24, sound.sampleRate, true);
    view.setUint32(28, 2 * sound.sampleRate, true);
    view.setUint16(32, 2, true);
    view.setUint16(34, 16, true);
    words(36, "data");
    view.setUint32(40, 2 * count, true);
    const channels = Array.from({ length: sound.numberOfChannels }, (_, index) => sound.getChannelData(index));
    for (let at = 0; at < count; at += 1) {
      const mean = channels.reduce((sum, channel) => sum + channel[at], 0) / channels.length;
      view.setInt16(44 + 2 * at, Math.round(32767 * Math.max(-1, Math.min(1, mean))), true);
    }
    return view.buffer;
  }

  async function copy(button) {
    const code = button.parentElement.nextElementSibling.textContent;
    try {
      await navigator.clipboard.writeText(code);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  let writing = null;

  async function write(form) {
    writing?.abort();
    const stop = new AbortController();
    writing = stop;
    const answer = document.getElementById("answer");
    const text = tell("Answer", "");
    text.className = "written";
    answer.setAttribute("aria-busy", "true");
    form.classList.add("htmx-request");
    try {
      const response = await fetch(form.dataset.pieces, {
        method: "POST", body: new FormData(form), headers: { "HX-Request": "true" }, signal: stop.signal,
      });
      if (!response.ok) {
        answer.innerHTML = await response.text();
        return;
      }
      for await (const [name, value] of events(response.body)) {
        if (name === "piece") text.textContent += value;
        if (name === "error") say(value);
        if (name === "end") {
          answer.innerHTML = value;
          htmx.process(answer);
        }
      }
    } catch (error) {
      if (error.name !== "AbortError") say("The server cannot be reached. Is it still running?");
    } finally {
      if (writing === stop) {
        form.classList.remove("htmx-request");
        answer.removeAttribute("aria-busy");
      }
    }
  }

  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const [name, data] = part.split("\n");
        yield [name.slice("event: ".length), JSON.parse(data.slice("data: ".length))];
      }
    }
  }

  function say(sentence) {
    const said = tell("No answer", sentence);
    said.className = "refusal";
    said.setAttribute("role", "alert");
  }

  function tell(heading, words) {
    const title = document.createElement("h2");
    title.id = "answer-title";
    title.textContent = heading;
    const said = document.createElement("p");
    said.textContent = words;
    document.getElementById("answer").replaceChildren(title, said);
    return said;
  }

  prepare(document);
})();
