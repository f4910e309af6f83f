"use strict";
// Leads through an exercise as `hipsync.core.routine` says, which this follows function by function: one clock, the
// seconds of the round, decides what is said, how full the bar is, and which moment of the picture is shown.
(() => {
  const all = [...document.querySelectorAll(".exercise")];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const LONGEST_FRAME_S = 0.5;
  let sounds = false, audio = null;

  function beep(tone) {
    if (!sounds) return;
    audio ??= new AudioContext();
    const made = audio.createOscillator(), volume = audio.createGain();
    made.frequency.value = tone;
    volume.gain.setValueAtTime(0.12, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.25);
    made.connect(volume).connect(audio.destination);
    made.start();
    made.stop(audio.currentTime + 0.26);
  }

  async function tell(name, hurt) {
    const key = document.body.dataset.key;
    if (!key) return "";
    const body = new URLSearchParams({ key, name, hurt: hurt ? "yes" : "no" });
    const answer = await fetch("../do/exercised", { method: "POST", body, headers: { "X-Hipsync": key } });
    return answer.text();
  }

  class Guide {
    constructor(article) {
      this.article = article;
      this.routine = JSON.parse(article.querySelector("script").textContent);
      this.each = this.routine.phases.reduce((sum, phase) => sum + phase.seconds, 0);
      this.round = 0; this.seconds = 0; this.running = false; this.finished = 0; this.over = ""; this.last = 0;
      article.classList.add("led");
      article.querySelector(".buttons").addEventListener("click", event => {
        const button = event.target.closest("button");
        if (button) this[button.dataset.do]();
      });
      this.draw();
    }

    find(selector) { return this.article.querySelector(selector); }

    place() {
      const { phases, repetitions } = this.routine;
      const repetition = Math.min(Math.floor(this.seconds / this.each), repetitions - 1);
      let left = this.seconds - repetition * this.each;
      for (const phase of phases.slice(0, -1)) {
        if (left < phase.seconds) return { repetition, phase, into: left };
        left -= phase.seconds;
      }
      const phase = phases[phases.length - 1];
      return { repetition, phase, into: Math.min(left, phase.seconds) };
    }

    pictured() {
      const { phase, into } = this.place(), { rounds, cycle } = this.routine;
      const shown = phase.begin_s + (phase.end_s - phase.begin_s) * (phase.seconds ? into / phase.seconds : 0);
      return rounds[Math.min(this.round, rounds.length - 1)].backwards ? cycle - shown : shown;
    }

    advance(elapsed) {
      const before = this.place();
      this.seconds += elapsed;
      if (this.seconds >= this.each * this.routine.repetitions) { this.ended(true); return; }
      const now = this.place();
      if (before.phase !== now.phase) beep(now.phase.held ? 660 : 440);
      else if (before.repetition !== now.repetition) beep(520);
    }

    ended(whole) {
      this.round += 1; this.seconds = 0; this.running = false; this.finished += whole ? 1 : 0;
      if (whole) beep(880);
      if (this.round >= this.routine.rounds.length) this.over = this.finished ? "asked" : "left";
    }

    tick(now) {
      if (!this.running || !this.routine.phases.length) return;
      this.advance(Math.min((now - this.last) / 1000, LONGEST_FRAME_S));
      this.last = now;
      this.draw();
      requestAnimationFrame(later => this.tick(later));
    }

    go() {
      if (this.over === "asked") { this.save(false); return; }
      if (this.over) { this.round = this.seconds = this.finished = 0; this.over = ""; this.draw(); return; }
      if (this.running && !this.routine.phases.length) { this.ended(true); this.draw(); return; }
      this.running = !this.running;
      this.last = performance.now();
      this.draw();
      requestAnimationFrame(now => this.tick(now));
    }

    next() { if (!this.over) { this.ended(false); this.draw(); } }

    hurt() {
      if (this.over === "saved") return;
      this.running = false;
      this.save(true);
    }

    sound() {
      sounds = !sounds;
      all.forEach(each => {
        const button = each.querySelector("[data-do=sound]");
        button.textContent = sounds ? "Sound on" : "Sound off";
        button.setAttribute("aria-pressed", sounds);
      });
      beep(520);
    }

    async save(hurt) {
      this.over = "saved";
      this.said = hurt ? "Stopped. If it doesn't ease, talk to a physiotherapist or osteopath." : "Well done.";
      this.draw();
      try {
        this.said = (await tell(this.routine.name, hurt)) || this.said;
      } catch (error) {
        this.said = "Not saved: hipsync has closed this page. `hipsync done` saves it.";
      }
      this.draw();
    }

    draw() {
      const { phases, rounds, repetitions, cycle, pace } = this.routine;
      const timed = phases.length > 0, place = timed ? this.place() : null;
      const shown = Math.min(this.round, rounds.length - 1);
      const svg = this.find(".picture .moving");
      if (svg && timed && !calm.matches) svg.setCurrentTime(Math.min(Math.max(this.pictured(), 0), cycle - 0.001));
      this.find(".picture").classList.toggle("mirrored", rounds[shown].mirrored);
      this.cue(this.words(place, timed, pace, rounds));
      const full = timed && !this.over && (this.running || this.seconds) ? place.into / place.phase.seconds : 0;
      this.find(".progress i").style.width = `${full * 100}%`;
      const [seconds, clock] = this.find(".left").children;
      const left = timed ? Math.floor(place.phase.seconds - place.into) + 1 : 0;
      seconds.textContent = timed && this.running && place.phase.seconds >= 2 ? `${left} ${left === 1 ? "second" : "seconds"}` : "";
      const rest = timed ? (rounds.length - this.round) * this.each * repetitions - this.seconds : 0;
      clock.textContent = timed && !this.over ? `${Math.floor(rest / 60)}:${String(Math.floor(rest % 60)).padStart(2, "0")} left` : "";
      [...this.find(".rounds").children].forEach((each, at) => {
        each.classList.toggle("done", at < this.round);
        at === this.round ? each.setAttribute("aria-current", "step") : each.removeAttribute("aria-current");
      });
      const dots = this.find(".dots");
      if (dots) {
        const at = place.repetition;
        dots.setAttribute("aria-label", `${at + 1} of ${repetitions}`);
        [...dots.children].forEach((dot, number) => {
          dot.setAttribute("class", number < at ? "done" : number === at ? "current" : "");
        });
      }
      this.buttons();
    }

    words(place, timed, pace, rounds) {
      if (this.over === "asked") return "That was it. Did it hurt?";
      if (this.over === "left") return "Nothing was done, so nothing is saved.";
      if (this.over) return this.said;
      if (this.running) return timed ? place.phase.cue : pace;
      if (this.seconds) return "Paused";
      const name = rounds[this.round].name;
      return this.round ? `Now: ${name}` : "Ready?";
    }

    cue(text) {
      const line = this.find(".cue");
      if (line.textContent !== text) line.textContent = text;  // a screen reader says what changed
    }

    buttons() {
      const label = (what, text) => {
        const button = this.find(`[data-do=${what}]`), node = button.firstChild;
        if (node.data !== text) node.data = text;
        return button;
      };
      const started = this.seconds > 0;
      label("go", this.over === "asked" ? "No" : this.over ? "Once more" : this.running
        ? (this.routine.phases.length ? "Pause" : "Finished") : started ? "Go on" : "Start");
      label("next", this.round + 1 < this.routine.rounds.length ? "Next" : "Leave the rest out").hidden = Boolean(this.over);
      label("hurt", this.over === "asked" ? "Yes, it hurt" : "It hurts").hidden = this.over === "saved" || this.over === "left";
    }

    // For tests and pictures: a moment, as round, seconds and whether it runs.
    at(round, seconds, running) {
      this.round = round; this.seconds = seconds; this.running = running === "running"; this.finished = round;
      this.draw();
    }
  }

  const guides = new Map(all.map(article => [article.id, new Guide(article)]));
  let current = null;

  function choose() {
    const [name, moment] = decodeURIComponent(location.hash.slice(1)).split("@");
    const chosen = guides.has(name) ? name : all[0].id;
    if (current && current !== guides.get(chosen) && current.running) current.go();
    current = guides.get(chosen);
    all.forEach(article => { article.hidden = article.id !== chosen; });
    document.querySelectorAll(".pick a").forEach(link => {
      link.hash === `#${chosen}` ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    });
    document.querySelectorAll(".moving").forEach(svg => svg.pauseAnimations());
    document.title = `${current.routine.title} - hipsync`;
    if (moment) {
      const [round, seconds, running] = moment.split(",");
      current.at(Number(round), Number(seconds), running);
    }
    scrollTo(0, 0);
  }

  addEventListener("hashchange", choose);
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target instanceof Element && event.target.closest("button, a, summary");
    if (event.key === " " && !onButton) { current.go(); event.preventDefault(); }
    if (event.key === "ArrowRight") current.next();
    if (event.key === "h") current.hurt();
    if (event.key === "Escape" && current.running) current.go();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && current.running && current.routine.phases.length) current.go();
  });
  addEventListener("pagehide", () => {
    const key = document.body.dataset.key;
    if (!key || !document.body.dataset.closes) return;
    const body = new URLSearchParams({ key });
    fetch("../do/closed", { method: "POST", keepalive: true, headers: { "X-Hipsync": key }, body });
  });
  choose();
})();
