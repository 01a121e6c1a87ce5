"""The pictures that films show: a single English noun and the Noto emoji it is drawn with."""

from __future__ import annotations

_TABLE = """
monkey:🐒 gorilla:🦍 dog:🐕 wolf:🐺 fox:🦊 raccoon:🦝 cat:🐈 lion:🦁 tiger:🐅 horse:🐎 unicorn:🦄
zebra:🦓 deer:🦌 cow:🐄 pig:🐖 sheep:🐑 camel:🐪 llama:🦙 giraffe:🦒 elephant:🐘 mouse:🐁
hamster:🐹 rabbit:🐇 squirrel:🐿 hedgehog:🦔 bat:🦇 bear:🐻 koala:🐨 panda:🐼 sloth:🦥 skunk:🦨
turkey:🦃 hen:🐔 rooster:🐓 chick:🐤 penguin:🐧 eagle:🦅 duck:🦆 swan:🦢 owl:🦉 flamingo:🦩
peacock:🦚 parrot:🦜 frog:🐸 crocodile:🐊 turtle:🐢 snake:🐍 dinosaur:🦕 whale:🐋 dolphin:🐬
fish:🐟 shark:🦈 octopus:🐙 shell:🐚 snail:🐌 butterfly:🦋 caterpillar:🐛 bee:🐝 ladybird:🐞
spider:🕷 scorpion:🦂 crab:🦀 lobster:🦞 beetle:🪲 feather:🪶 rose:🌹 sunflower:🌻 tulip:🌷
seedling:🌱 fir:🌲 tree:🌳 palm:🌴 cactus:🌵 clover:🍀 leaf:🍁 mushroom:🍄 grape:🍇 watermelon:🍉
tangerine:🍊 lemon:🍋 banana:🍌 pineapple:🍍 apple:🍎 pear:🍐 peach:🍑 cherry:🍒 strawberry:🍓
kiwi:🥝 coconut:🥥 avocado:🥑 aubergine:🍆 carrot:🥕 chilli:🌶 pepper:🫑 lettuce:🥬 onion:🧅
peanut:🥜 croissant:🥐 pretzel:🥨 pancake:🥞 waffle:🧇 burger:🍔 pizza:🍕 hotdog:🌭 taco:🌮 egg:🥚
doughnut:🍩 cookie:🍪 cake:🎂 cupcake:🧁 lollipop:🍭 pudding:🍮 coffee:☕ teapot:🫖 cocktail:🍸
beer:🍺 locomotive:🚂 train:🚄 bus:🚌 ambulance:🚑 car:🚗 lorry:🚚 tractor:🚜 motorcycle:🏍
scooter:🛵 bicycle:🚲 skateboard:🛹 anchor:⚓ sailboat:⛵ ship:🚢 aeroplane:✈ helicopter:🚁
parachute:🪂 rocket:🚀 tent:⛺ house:🏠 church:⛪ fountain:⛲ carousel:🎠 tower:🗼 sun:☀ moon:🌙
star:⭐ cloud:☁ rainbow:🌈 umbrella:☂ lightning:⚡ snowflake:❄ snowman:⛄ flame:🔥 droplet:💧
globe:🌍 pumpkin:🎃 balloon:🎈 gift:🎁 ribbon:🎀 trophy:🏆 medal:🏅 football:⚽ baseball:⚾
basketball:🏀 racket:🎾 skate:⛸ target:🎯 yoyo:🪀 kite:🪁 joystick:🕹 dice:🎲 teddy:🧸 heart:❤
shirt:👕 scarf:🧣 coat:🧥 sock:🧦 dress:👗 bikini:👙 purse:👛 handbag:👜 backpack:🎒 sneaker:👟
boot:🥾 crown:👑 hat:🎩 helmet:⛑ lipstick:💄 ring:💍 diamond:💎 drum:🥁 guitar:🎸 trumpet:🎺
violin:🎻 saxophone:🎷 piano:🎹 banjo:🪕 bell:🔔 megaphone:📣 radio:📻 phone:📱 battery:🔋 plug:🔌
laptop:💻 camera:📷 television:📺 magnifier:🔍 candle:🕯 bulb:💡 torch:🔦 lantern:🏮 book:📕
coin:🪙 envelope:✉ mailbox:📫 pencil:✏ paintbrush:🖌 ruler:📏 lock:🔒 key:🔑 hammer:🔨 axe:🪓
bow:🏹 shield:🛡 spanner:🔧 screwdriver:🪛 gear:⚙ magnet:🧲 ladder:🪜 microscope:🔬 telescope:🔭
syringe:💉 pill:💊 mirror:🪞 bed:🛏 sofa:🛋 chair:🪑 toilet:🚽 bathtub:🛁 basket:🧺 bucket:🪣
compass:🧭 robot:🤖 ghost:👻 alien:👽 skull:💀 bone:🦴 tooth:🦷 brain:🧠 eye:👁 bomb:💣 spoon:🥄
knife:🔪 bowl:🥣 suitcase:🧳 broom:🧹 barrel:🛢 buoy:🛟 wheel:🛞
"""

# Word -> character, in the order of the atlas.
PICTURES: dict[str, str] = {entry.split(":")[0]: entry.split(":")[1] for entry in _TABLE.split()}
